"""Who owns the state of every key: one row set with compare-and-set, and its audit trail in the same transaction."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from journal_keys.domain.changes import AuditFact, RingChange, RotationRecord, Transition
from journal_keys.domain.errors import PortError
from journal_keys.domain.fleet import Laggard
from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family, Kid

MOST_LAGGARDS: Final = 20


class LedgerError(PortError):
    """The ledger did not keep its promise."""


class LedgerUnavailableError(LedgerError):
    """No answer: a change may or may not have been committed."""


class LedgerSchemaError(LedgerError):
    """The tables are missing, older or newer than this release knows; nothing is changed."""


class LedgerAbsentError(LedgerSchemaError):
    """There is no file where the ledger should be: it was never made, was lost, or lies on what is not mounted now."""


class LedgerCorruptError(LedgerError):
    """The ledger holds what no release wrote."""


class LedgerBehindError(LedgerError):
    """The ledger does not know keys that were in use: it was restored from an older copy. Nothing was changed."""

    def __init__(self, family: Family, kids: Iterable[Kid | str]) -> None:
        super().__init__(
            f"the ledger is older than the store: its {family} ring does not know {', '.join(sorted(kids))}, which was"
            " in use. Nothing was swept or written. Restore the newest ledger, or empty it and run"
            " 'journal-keys recover', which takes every stored key in"
        )


class StaleGenerationError(LedgerError):
    """The ring is no longer at the generation that the change expects: nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPage:
    """One consistent look at one ring: the ledger's time, the ring (None: positively none), its open rotations.

    `waiting` is sorted by the time of opening, then by id; `behind` by generation, then by name, of which the first
    `MOST_LAGGARDS` are shown.
    """

    now: datetime
    ring: KeyRing | None
    waiting: tuple[RotationRecord, ...]
    behind: tuple[Laggard, ...] = ()


@runtime_checkable
class Ledger(Protocol):
    """State of every ring.

    Every method may raise `LedgerUnavailableError`, `LedgerSchemaError` and `LedgerCorruptError`.

    The ledger's time is never before its last change; within one boot of the host it never runs faster than time does.
    """

    @abstractmethod
    async def heads(self) -> Mapping[Family, RingHead]:
        """Generation and moment of change of every ring there is, in one indexed read."""
        ...

    @abstractmethod
    async def read(self, family: Family) -> LedgerPage:
        """Read one ring, consistently.

        Raises:
            ClockWentBackError: the host's clock stands before a time that the ledger has seen.
        """
        ...

    @abstractmethod
    async def rotations(self, rotation_id: str) -> Sequence[RotationRecord]:
        """Every family's record of this rotation id, none where it was never used."""
        ...

    @abstractmethod
    async def settle(self, record: RotationRecord, fact: AuditFact) -> None:
        """Keep the result of a rotation that another one made; the rings stay as they are, and so do generations.

        Where the id and family have a settled record, that stays and nothing is changed.
        """
        ...

    @abstractmethod
    async def commit(self, transition: Transition) -> RingChange:
        """Apply the change that `transition` gives for now, in one transaction or not at all, and give it.

        Now is the ledger's time at the commit, so that no age in a ring begins before others can see what it counts.
        What `transition` raises goes on to the caller; nothing is changed then.

        Raises:
            StaleGenerationError: the ring's generation is not the expected one, or the ring exists and the change
                founds it.
            ClockWentBackError: as for `read`.
        """
        ...
