"""What the command prints: tables and lines for people, one JSON value for programs."""

import dataclasses
import json as json_text
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


def outcome_name(outcome: object) -> str:
    """Give the snake-case name of an outcome's class: `NotDue` → `not_due`."""
    return _WORD_START.sub("_", type(outcome).__name__).lower()


def plain(value: object) -> object:
    """Give the JSON form of a value: dataclasses as objects, times in ISO 8601, enums by value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return value


def as_fields(value: object) -> dict[str, object]:
    """Give the fields of a dataclass in their JSON form."""
    fields = plain(value)
    return fields if isinstance(fields, dict) else {"value": fields}


def as_outcome(outcome: object) -> dict[str, object]:
    """Give an outcome's fields behind its name."""
    fields = plain(outcome)
    return {"outcome": outcome_name(outcome), **fields} if isinstance(fields, dict) else {"outcome": fields}


def print_json(value: object) -> None:
    """Print one JSON value and nothing else."""
    sys.stdout.write(json_text.dumps(plain(value), indent=2) + "\n")


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one a line; what holds fields itself is told by these."""
    flat: dict[str, object] = {}
    for name, value in fields.items():
        flat.update(value if isinstance(value, Mapping) else {name: value})
    width = max((len(name) for name in flat), default=0)
    for name, value in flat.items():
        if value is not None:
            sys.stdout.write(f"{name.replace('_', ' '):<{width}}  {_text(value)}\n")


def print_outcome(outcome: object, *, json: bool) -> None:
    """Print an outcome behind its name: fields for people, one JSON value for programs."""
    fields = as_outcome(outcome)
    if json:
        print_json(fields)
    else:
        print_fields(fields)


def print_once(fields: Mapping[str, object], notice: str, *, json: bool) -> None:
    """Print what is shown only this time, and say so to people."""
    if json:
        print_json(fields)
        return
    print_fields(fields)
    sys.stdout.flush()
    sys.stderr.write(f"{notice}\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; rich draws it on a terminal."""
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(_text(cell) for cell in row) + "\n" for row in rows)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*(escape(_text(cell)) for cell in row))
    Console().print(table)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, list | tuple):
        return ", ".join(_text(one) for one in value)
    return printable(str(plain(value)))


def printable(text: str) -> str:
    """Give the text as one line that moves no cursor: where it holds anything else, escaped whole."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def print_error(kind: str, message: str, *, json_wanted: bool) -> None:
    """Say on standard error what went wrong."""
    if json_wanted:
        sys.stderr.write(json_text.dumps({"error": {"type": kind, "message": message}}) + "\n")
    else:
        sys.stderr.write(f"error: {message}\n")
