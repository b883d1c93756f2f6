"""Moments, lengths and foreign texts in words that a person reads at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_MANY: Final = 10
"""Of so many of a unit, the next smaller one tells nothing."""


class Verdict(StrEnum):
    """How a thing stands, the worst last."""

    GOOD = "good"
    UNKNOWN = "not known"
    LOOK = "look here"
    BAD = "wrong"


@dataclass(frozen=True, slots=True)
class Code:
    """A name to be shown letter by letter: a kid, an instance."""

    code: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, and the one that it is seen from, where its distance tells something."""

    at: datetime
    now: datetime | None = None

    @property
    def iso(self) -> str:
        """ISO 8601 in UTC, to the second."""
        return iso(self.at)

    @property
    def distance(self) -> str:
        """How far away it is: `in 3 h`, `2 d 4 h ago`, `now`; empty where it is seen from nowhere."""
        if self.now is None:
            return ""
        away = self.at - self.now
        if abs(away) < timedelta(seconds=1):
            return "now"
        return f"in {length(away)}" if away > timedelta(0) else f"{length(-away)} ago"


Part: TypeAlias = str | Code | Moment
Sentence: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of as many cells as there are heads; the first cell names its row. `empty` says what no row means."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Sentence, ...], ...]
    empty: str


def iso(at: datetime) -> str:
    """Give it as ISO 8601 in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def length(time: timedelta) -> str:
    """Give a length ≥ 0 in its two largest units, rounded down: `2 d 4 h`, `59 s`."""
    left = int(time.total_seconds())
    words: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}")
        if words and (count >= _MANY or size == 1 or len(words) > 1 or not count):
            break
    return " ".join(words) or "0 s"


def number(count: int) -> str:
    """Give it with its digits in groups of three."""
    return f"{count:,}"


def visible(text: str) -> str:
    r"""Give the text with all that prints nothing, or turns the direction of what follows, as `\u202e`."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)


def listed(words: Sequence[str]) -> str:
    """Give them as an enumeration."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
