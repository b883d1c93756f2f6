"""Instances of the application, and how far behind a ring they are."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from journal_keys.domain.errors import InvalidNameError
from journal_keys.domain.forms import iso
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family

_NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def check_instance_name(name: str) -> str:
    """Give the name back when every log, terminal and database can hold it.

    Raises:
        InvalidNameError: it is not 1 to 128 of A-Z a-z 0-9 . _ : -
    """
    if not _NAME.fullmatch(name):
        raise InvalidNameError("the name of the instance is malformed: expected 1 to 128 of A-Z a-z 0-9 . _ : -")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Which generation of a ring an instance holds (0: none), and since when it says so, on the ledger's clock."""

    generation: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What one instance reported last. It counts until `expires_at`."""

    name: str
    held: Mapping[Family, Held]
    reported_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Laggard:
    """A live instance that holds an older generation than the ledger."""

    name: str
    held: Held
    ring_generation: int
    expires_at: datetime

    def __str__(self) -> str:
        held = self.held
        return (
            f"instance {self.name} holds generation {held.generation} of {self.ring_generation} since {iso(held.since)}"
        )


def reported(before: Mapping[Family, Held], generations: Mapping[Family, int], now: datetime) -> dict[Family, Held]:
    """What an instance holds after a report: a generation that it held before keeps its moment."""
    held = {family: Held(generation=generations.get(family, 0), since=now) for family in Family}
    return {
        family: before[family] if family in before and before[family].generation == one.generation else one
        for family, one in held.items()
    }


def laggards(instances: Iterable[Instance], ring: KeyRing) -> tuple[Laggard, ...]:
    """Those that hold an older generation than the ring's, the oldest first."""
    generation = ring.generation
    found = [
        Laggard(name=one.name, held=held, ring_generation=generation, expires_at=one.expires_at)
        for one in instances
        if (held := one.held[ring.family]).generation < generation
    ]
    return tuple(sorted(found, key=lambda one: (one.held.generation, one.name)))
