"""Where in a rotation a kill struck, read from what it left."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from journal_keys.domain.keys import Family, Kid

UNTOUCHED: Final = "before the promotion"
PROMOTED: Final = "after the promotion, before the successor was stored"
STORED: Final = "after the successor was stored, before it was published"
PUBLISHED: Final = "after the successor was published, before the guide's names were written"
DONE: Final = "after the guide's names were written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """What a kill left of one ring: its ACTIVE key, whether one is staged, stored keys that no ring row knows."""

    active: Kid
    has_staged: bool
    orphans: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What is known of one ring before a kill and after it."""

    family: Family
    active_before: Kid
    orphans_before: frozenset[str]
    found: Find
    repairs: tuple[str, ...]

    @property
    def phase(self) -> str:
        """How far the rotation of this ring had come."""
        if self.found.active == self.active_before:
            return UNTOUCHED
        if not self.found.has_staged:
            return PROMOTED if self.found.orphans <= self.orphans_before else STORED
        return PUBLISHED if any(repair.startswith("projected ") for repair in self.repairs) else DONE


def place(strikes: Iterable[Strike]) -> str:
    """Say where the rotation of several rings, one behind the other, was ended."""
    where = ""
    for strike in strikes:
        if strike.phase == UNTOUCHED and where:
            break
        where = f"in the {strike.family} ring {strike.phase}"
        if strike.phase != DONE:
            break
    return where or "where nothing can be read"
