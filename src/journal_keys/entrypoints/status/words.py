"""Moments, lengths and foreign texts in words that a person reads at a glance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from journal_keys.domain.forms import iso

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_MANY: Final = 10
"""Of so many of a unit, the next smaller one tells nothing."""
_MARKS: Final = frozenset(",;:")


@dataclass(frozen=True, slots=True)
class Code:
    """A name to be shown letter by letter: a kid, an instance."""

    code: str

    def __str__(self) -> str:
        """Give the name."""
        return self.code


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

    def __str__(self) -> str:
        """Give both."""
        return f"{self.iso} ({self.distance})" if self.distance else self.iso


Part: TypeAlias = str | Code | Moment
Sentence: TypeAlias = tuple[Part, ...]


def spaced(sentence: Sentence) -> Iterator[tuple[str, Part]]:
    """Give each part behind the space that stands before it: none at the beginning, and none before a mark."""
    for place, part in enumerate(sentence):
        is_close = not place or (isinstance(part, str) and part[:1] in _MARKS)
        yield "" if is_close else " ", part


def plain(sentence: Sentence) -> str:
    """Give the sentence as text, which is the same as on the page: `... since 2026-01-31T17:05:09Z (2 d ago)`."""
    return "".join(f"{space}{part}" for space, part in spaced(sentence))


def length(time: timedelta) -> str:
    """Give a length in its two largest units, rounded down: `2 d 4 h`, `59 s`; less than nothing is `0 s`."""
    left = max(int(time.total_seconds()), 0)
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
