"""What every turn of a race is about, and what the racers tell of it."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from journal_keys.domain.keys import Family, Kid


class Kind(Enum):
    """How the processes meet."""

    OWN_IDS = "each under an id of its own, all from one page"
    ONE_ID = "all under one id and from one page"
    LATE = "all under one id, and one looks at the ring when the others are done"


_TURNS: Final = (Kind.ONE_ID, Kind.LATE, *[Kind.OWN_IDS] * 39)
"""The last kind costs least, and more often than not it is the hardest. Odd in number: each ring meets each kind."""


def kind_of(turn: int) -> Kind:
    """How the processes meet in this turn."""
    return _TURNS[turn % len(_TURNS)]


def ring_of(turn: int) -> Family:
    """Which ring this turn is about."""
    return tuple(Family)[turn % len(Family)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one racer was told of one generation, and the keys that it promoted itself, by its own commits."""

    told: str
    new_kid: Kid | None = None
    trouble: str | None = None
    promoted: tuple[Kid, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """Everything that one process saw."""

    turns: tuple[Turn, ...]
    generations: tuple[tuple[Family, int], ...]
    """The generations that its own commits made."""
    troubles: tuple[str, ...] = ()
