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
class Strike:
    """What is known of one ring before a kill and after the repair. Orphans are stored keys that no ring row knows."""

    family: Family
    active_before: Kid
    active_after: Kid
    orphans_before: frozenset[str]
    orphans_after: frozenset[str]
    repairs: tuple[str, ...]

    @property
    def phase(self) -> str:
        """How far the rotation of this ring had come."""
        if self.active_after == self.active_before:
            return UNTOUCHED
        if self._repaired("staged "):
            orphans = self.orphans_after | self._repaired("swept ")
            return PROMOTED if orphans <= self.orphans_before else STORED
        return PUBLISHED if self._repaired("projected ") else DONE

    def _repaired(self, verb: str) -> frozenset[str]:
        return frozenset(repair.removeprefix(verb) for repair in self.repairs if repair.startswith(verb))


def place(strikes: Iterable[Strike]) -> str:
    """Say where the rotation of several rings, one behind the other, was ended."""
    where = ""
    for strike in strikes:
        if strike.phase == UNTOUCHED and where:
            break
        where = f"in the {strike.family} ring {strike.phase}"
        if strike.phase != DONE:
            break
    return where
