"""How a command line is read: commands, flags in every spelling, and the words for what is wrong.

The rules are those of spf13/cobra v1.6.1 (`command.go`, `args.go`) and spf13/pflag (`flag.go`), as pinned by v0.42.1.
"""

from collections.abc import Sequence
from typing import NamedTuple

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class UsageError(Exception):
    """The command line is wrong; `of` is the command that says so."""

    def __init__(self, message: str, of: "Command") -> None:
        super().__init__(message)
        self.of = of


class Flag(NamedTuple):
    """One flag. A bool has no value word, and is true when no value is given."""

    name: str
    words: str
    default: str = ""
    short: str = ""
    value: str = "string"

    @property
    def is_bool(self) -> bool:
        return not self.value


class Command(NamedTuple):
    """One command: own flags, flags that its sub-commands inherit, and how many arguments it takes.

    `least` is the least number of arguments, None where none are allowed, -1 where any number is.
    """

    name: str
    short: str
    flags: tuple[Flag, ...] = ()
    inherited: tuple[Flag, ...] = ()
    children: tuple["Command", ...] = ()
    least: int | None = -1
    arguments: str = ""
    example: str = ""
    long: str = ""
    runs: bool = True


class Called:
    """What was called: the commands from the root on, flag values, and the arguments left."""

    def __init__(self, path: tuple[Command, ...], values: dict[str, str]) -> None:
        self.path = path
        self.values = values
        self.given: set[str] = set()
        self.arguments: list[str] = []

    @property
    def command(self) -> Command:
        return self.path[-1]

    @property
    def words(self) -> str:
        return " ".join(command.name for command in self.path)

    def text(self, name: str) -> str:
        return self.values[name]

    def is_on(self, name: str) -> bool:
        return self.values[name] == "true"


def flags_of(path: Sequence[Command]) -> dict[str, Flag]:
    """Give every flag that holds at the end of a path, by name; the nearer definition hides the farther one."""
    found = {flag.name: flag for command in path for flag in command.inherited}
    found |= {flag.name: flag for flag in path[-1].flags}
    help_flag = Flag("help", f"help for {path[-1].name}", default="false", short="h", value="")
    return {"help": help_flag, **found}


def find(root: Command, argv: Sequence[str]) -> tuple[tuple[Command, ...], list[str]]:
    """Walk to the command that is meant and give what is left of the command line."""
    path: tuple[Command, ...] = (root,)
    left = list(argv)
    while True:
        bare = _bare(left, flags_of(path))
        child = next((one for one in path[-1].children if bare and one.name == bare[0][1]), None)
        if child is None:
            return path, left
        left.pop(bare[0][0])
        path = (*path, child)


def parse(path: tuple[Command, ...], argv: Sequence[str]) -> Called:
    """Read flags and arguments of a command."""
    known = flags_of(path)
    called = Called(path, {name: flag.default for name, flag in known.items()})
    left = list(argv)
    while left:
        word = left.pop(0)
        if word == "--":
            called.arguments += left
            break
        if word.startswith("--"):
            _long(word, left, known, called)
        elif word.startswith("-") and word != "-":
            _shorts(word[1:], left, known, called)
        else:
            called.arguments.append(word)
    return called


def check_arguments(called: Called) -> None:
    """Complain of too many or too few arguments."""
    least, count = called.command.least, len(called.arguments)
    if "file" in called.given:
        if count:
            raise UsageError("secrets cannot be given both as arguments and with --file", called.command)
        return
    if least is None and count:
        raise UsageError(f'unknown command "{called.arguments[0]}" for "{called.words}"', called.command)
    if least is not None and count < least:
        raise UsageError(f"requires at least {least} arg(s), only received {count}", called.command)


def _long(word: str, left: list[str], known: dict[str, Flag], called: Called) -> None:
    name, has_value, value = word[2:].partition("=")
    if name in {"", "-"} or name.startswith("-"):
        raise UsageError(f"bad flag syntax: {word}", called.command)
    flag = known.get(name)
    if flag is None:
        raise UsageError(f"unknown flag: --{name}", called.command)
    if not has_value:
        if not flag.is_bool and not left:
            raise UsageError(f"flag needs an argument: --{name}", called.command)
        value = "true" if flag.is_bool else left.pop(0)
    _set(flag, value, called)


def _shorts(letters: str, left: list[str], known: dict[str, Flag], called: Called) -> None:
    by_letter = {flag.short: flag for flag in known.values() if flag.short}
    while letters:
        flag = by_letter.get(letters[0])
        if flag is None:
            raise UsageError(f"unknown shorthand flag: '{letters[0]}' in -{letters}", called.command)
        rest = letters[1:]
        if rest.startswith("="):
            _set(flag, rest[1:], called)
            return
        if flag.is_bool:
            _set(flag, "true", called)
            letters = rest
            continue
        if not rest and not left:
            raise UsageError(f"flag needs an argument: '{letters[0]}' in -{letters}", called.command)
        _set(flag, rest or left.pop(0), called)
        return


def _set(flag: Flag, value: str, called: Called) -> None:
    if flag.is_bool:
        if value not in _TRUE | _FALSE:
            shown = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
            why = f'strconv.ParseBool: parsing "{value}": invalid syntax'
            raise UsageError(f'invalid argument "{value}" for "{shown}" flag: {why}', called.command)
        value = "true" if value in _TRUE else "false"
    called.values[flag.name] = value
    called.given.add(flag.name)


def words_of(path: Sequence[Command], argv: Sequence[str]) -> list[str]:
    """Give the words that are neither flags nor values of flags."""
    return [word for _, word in _bare(argv, flags_of(path))]


def _bare(argv: Sequence[str], known: dict[str, Flag]) -> list[tuple[int, str]]:
    """The words that are neither flags nor values of flags, as cobra sees them while it looks for a command."""
    bools = {f"--{flag.name}" for flag in known.values() if flag.is_bool}
    bools |= {f"-{flag.short}" for flag in known.values() if flag.is_bool and flag.short}
    found, place = [], 0
    while place < len(argv) and argv[place] != "--":
        word = argv[place]
        takes_next = word.startswith("--") or (word.startswith("-") and len(word) == 2)
        if takes_next and "=" not in word and word not in bools:
            place += 1
        elif word and not word.startswith("-"):
            found.append((place, word))
        place += 1
    return found
