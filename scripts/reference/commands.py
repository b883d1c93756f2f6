"""The page of the command line, from its Typer application."""

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import typer.main

from journal_keys.entrypoints.cli.main import app
from scripts.reference.markdown import code, one_of, table

_PROGRAM: Final = "journal-keys"
_TYPES: Final = {str: "text", int: "number", float: "number", Path: "file", bool: ""}
_HEAD: Final = f"""# The command line

Every command of `{_PROGRAM}`, with what it takes. Exit codes are in [errors.md](errors.md); `--help` says the same.

"""


def commands_page() -> str:
    """Give the page."""
    return _HEAD + "\n".join(_section(name, command) for name, command in commands().items())


def commands() -> Mapping[str, Any]:
    """Give every command by its words, sorted; Typer keeps the classes to itself."""
    return dict(sorted(_walk(_PROGRAM, typer.main.get_command(app))))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (as above)
    members = getattr(command, "commands", None)
    if members is None:
        yield name, command
        return
    for word, member in members.items():
        yield from _walk(f"{name} {word}", member)


def _section(name: str, command: Any) -> str:  # noqa: ANN401 (as above)
    rows = [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    told = table(("what", "values", "default", "meaning"), rows) if rows else ""
    return f"## {name}\n\n{command.help.strip()}\n\n{told}"


def _row(parameter: Any) -> tuple[str, str, str, str]:  # noqa: ANN401 (as above)
    names = [*parameter.opts, *parameter.secondary_opts]
    is_option = names[0].startswith("-")
    shown = ", ".join(code(name) for name in names) if is_option else code(parameter.name.upper())
    default = "required" if parameter.required else _default(parameter)
    return shown, _values(parameter), default, parameter.help or ""


def _values(parameter: Any) -> str:  # noqa: ANN401 (as above)
    kind: Any = parameter.type_descriptor.annotation
    if get_origin(kind) is list:
        kind = get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return one_of(member.value for member in kind)
    word = _TYPES.get(kind, getattr(kind, "__name__", str(kind)))
    word += "" if parameter.min is None else f", at least {parameter.min}"
    word += "" if parameter.max is None else f", at most {parameter.max}"
    return f"{word}, several times" if parameter.multiple else word


def _default(parameter: Any) -> str:  # noqa: ANN401 (as above)
    value = parameter.default
    if value is None or value is False:
        return ""
    return code(value.value if isinstance(value, Enum) else value)
