"""One column to one domain value and back: strict on the way in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeAlias

from journal_keys.domain import canonical, forms
from journal_keys.domain.errors import InvalidNameError, RingInvariantError
from journal_keys.domain.keys import Family, Kid, parse_family, parse_kid
from journal_keys.ports.ledger import LedgerCorruptError

Row: TypeAlias = Mapping[Any, Any]


@contextmanager
def as_written(what: str) -> Iterator[None]:
    """Read a row as this release writes it.

    Raises:
        LedgerCorruptError: something inside found a value that it does not write.
    """
    try:
        yield
    except (ValueError, TypeError, OverflowError, InvalidNameError, RingInvariantError):
        raise LedgerCorruptError(f"the ledger's {what} is not as any release writes it") from None


def from_moment(moment: datetime | None) -> str | None:
    """Write ISO 8601 in UTC with microseconds, 32 characters."""
    return forms.from_moment(moment) if moment else None


def to_moment(text: str) -> datetime:
    """Read exactly what `from_moment` writes.

    Raises:
        ValueError: another form or time zone.
    """
    return forms.to_moment(text)


def to_moment_or_none(text: str | None) -> datetime | None:
    """Read a moment that need not have come."""
    return None if text is None else to_moment(text)


def to_kid_or_none(text: str | None) -> Kid | None:
    """Read a kid where there need be none."""
    return None if text is None else parse_kid(text)


def to_family_or_none(text: str | None) -> Family | None:
    """Read a family where there need be none."""
    return None if text is None else parse_family(text)


def to_digest(text: str) -> str:
    """Read 64 lower-case hex digits.

    Raises:
        ValueError: anything else.
    """
    return forms.to_digest(text)


def to_texts(text: str) -> dict[str, str]:
    """Read a JSON object of texts.

    Raises:
        ValueError: anything else.
    """
    detail = canonical.from_json(text)
    if not isinstance(detail, dict) or not all(isinstance(value, str) for value in detail.values()):
        raise ValueError("a detail is a JSON object of texts")
    return detail


def to_text(value: object) -> str:
    """Read text.

    Raises:
        TypeError: anything else.
    """
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def to_number(value: object) -> int:
    """Read a whole number (SQLite keeps anything in any column).

    Raises:
        TypeError: anything else.
    """
    if not isinstance(value, int):
        raise TypeError("expected a whole number")
    return value
