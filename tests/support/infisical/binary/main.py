"""The stand-in for the CLI v0.42.1: it takes a command line and acts as the real one was seen to act.

What the real one could do besides is refused with exit code 64 and a line that says so.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from tests.support.infisical.binary import flags, updates, usage
from tests.support.infisical.binary.catalogue import ELSEWHERE, ROOT
from tests.support.infisical.binary.dotenv import PanicError
from tests.support.infisical.binary.failures import StoppedError
from tests.support.infisical.binary.flags import Called, UsageError
from tests.support.infisical.binary.surroundings import NotStoodInError, Surroundings

_NOT_STOOD_IN = 64
_PANIC = 2
_DEEDS: Mapping[str, tuple[str, str]] = {
    "infisical export": ("exporting", "export"),
    "infisical login": ("login", "log_in"),
    "infisical secrets": ("reading", "list_secrets"),
    "infisical secrets delete": ("changing", "delete"),
    "infisical secrets folders create": ("changing", "create_folder"),
    "infisical secrets folders delete": ("changing", "delete_folder"),
    "infisical secrets folders get": ("changing", "list_folders"),
    "infisical secrets get": ("reading", "get"),
    "infisical secrets set": ("setting", "set_secrets"),
}
"""Module and function of each command: only what is called is imported."""


def main(*, version: str, pace: float = 1.0) -> None:
    """Be the program. `pace` scales the waits of `login`."""
    around = Surroundings(os.environ, version, pace)
    code, out, err = run(sys.argv[1:], around)
    sys.stdout.buffer.write(out.encode("utf-8", "surrogateescape"))
    sys.stderr.write(err)
    sys.exit(code)


def run(argv: Sequence[str], around: Surroundings) -> tuple[int, str, str]:
    """Give exit code, standard output and standard error of a call."""
    try:
        return 0, _done(argv, around), ""
    except UsageError as error:
        return 1, "", error.args[0]
    except StoppedError as stopped:
        return 1, "", "".join(f"{row}\n" for row in stopped.rows)
    except PanicError as panic:
        return _PANIC, "", f"panic: {panic}\n"
    except NotStoodInError as refused:
        return _NOT_STOOD_IN, "", f"the stand-in does not stand in for {refused}\n"


def _refuse_unknown(left: list[str]) -> None:
    words = flags.words_of((ROOT,), left)
    if words and words[0] in ELSEWHERE:
        raise NotStoodInError(f"the command {words[0]}")
    if words:
        raise StoppedError(f'Error: unknown command "{words[0]}" for "infisical"', "Run 'infisical --help' for usage.")


def _done(argv: Sequence[str], around: Surroundings) -> str:
    path, left = flags.find(ROOT, argv)
    try:
        return _called(path, left, around)
    except UsageError as error:
        raise UsageError(f"Error: {error}\n{usage.usage_text(path)}\n", path[-1]) from None


def _called(path: tuple[flags.Command, ...], left: list[str], around: Surroundings) -> str:
    if path == (ROOT,):
        _refuse_unknown(left)
    called = flags.parse(path, left)
    if called.is_on("help"):
        return usage.help_text(path)
    if called.values.get("version") == "true":
        return f"infisical version {around.version}\n"
    if not called.command.runs or called.command.name == "folders":
        return usage.help_text(path)
    flags.check_arguments(called)
    if called.text("log-level").lower() in {"debug", "trace"}:
        raise NotStoodInError("debug lines")
    if called.words not in _DEEDS:
        raise NotStoodInError(f"the command {called.words}")
    if not called.is_on("silent"):
        updates.ask(around.environ)
    module, name = _DEEDS[called.words]
    deed: Callable[[Called, Surroundings], str] = getattr(import_module(f"{__package__}.{module}"), name)
    return deed(called, around)
