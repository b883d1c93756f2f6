"""How help and usage texts are laid out (spf13/cobra v1.6.1 `command.go`, spf13/pflag `flag.go`)."""

from collections.abc import Iterable, Sequence

from tests.support.infisical.binary.flags import Command, Flag, flags_of

_LONGEST_WITHOUT_GAP = 11


def help_text(path: Sequence[Command]) -> str:
    """What `--help` prints."""
    command = path[-1]
    return f"{command.long or command.short}\n\n{usage_text(path)}"


def usage_text(path: Sequence[Command]) -> str:
    """What follows the message about a wrong command line."""
    command, words = path[-1], " ".join(one.name for one in path)
    parts = ["Usage:" + _lines_of_use(command, words)]
    if command.example:
        parts.append(f"Examples:\n{command.example}")
    if command.children:
        parts.append("Available Commands:\n" + "\n".join(_children(command.children)))
    known = flags_of(path)
    inherited = {flag.name for one in path[:-1] for flag in one.inherited}
    inherited -= {flag.name for flag in (*command.flags, *command.inherited)}
    parts.append("Flags:\n" + _flags(flag for name, flag in known.items() if name not in inherited))
    if inherited:
        parts.append("Global Flags:\n" + _flags(known[name] for name in inherited))
    if command.children:
        parts.append(f'Use "{words} [command] --help" for more information about a command.')
    return "\n\n".join(parts) + "\n"


def _lines_of_use(command: Command, words: str) -> str:
    own = f"\n  {words}{command.arguments}" if command.runs else ""
    return own + (f"\n  {words} [command]" if command.children else "")


def _children(children: Sequence[Command]) -> list[str]:
    width = max(_LONGEST_WITHOUT_GAP, *(len(child.name) for child in children))
    return [f"  {child.name:{width}} {child.short}" for child in children]


def _flags(flags: Iterable[Flag]) -> str:
    rows = [(_left(flag), flag) for flag in sorted(flags, key=lambda flag: flag.name)]
    width = max(len(left) for left, _ in rows)
    return "\n".join(f"{left:{width}}   {flag.words}{_default(flag)}" for left, flag in rows)


def _left(flag: Flag) -> str:
    start = f"  -{flag.short}, " if flag.short else "      "
    return f"{start}--{flag.name} {flag.value}".rstrip()


def _default(flag: Flag) -> str:
    if flag.is_bool:
        return " (default true)" if flag.default == "true" else ""
    return f' (default "{flag.default}")' if flag.default else ""
