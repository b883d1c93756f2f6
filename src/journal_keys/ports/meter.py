"""Where a process counts what it did, for whoever watches it."""

from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.status import AuditStatus, Obstacle
from journal_keys.domain.webhooks import WebhookOutcome


class Source(StrEnum):
    """Where the answer to a fetch came from."""

    MEMORY = "memory"
    REDIS = "redis"
    STORE = "store"
    STALE = "stale"
    """The store failed, and a value past its time stood in."""
    NONE = "none"
    """There was no answer."""


@dataclass(slots=True, eq=False)
class Hits:
    """How many fetches memory answered. Whoever answers adds to it: a call for each would cost more than a hit."""

    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RingFigures:
    """What this process's view of one ring shows. All moments are those of the wall clock.

    A view older than `max_age` is not fresh any more; `window` (W1) is how long a key waits for its promotion at least.
    """

    family: Family
    generation: int
    confirmed_at: datetime
    active_since: datetime
    due_at: datetime
    max_age: timedelta
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFigures:
    """What the ledger says of one ring, for all instances. `waits_since` is a moment of the wall clock.

    Where no rotation waits, `waits_since` and `obstacle` are None. `behind` instances hold an older generation.
    `encryptions` are those that were reported of the ACTIVE key, 0 for signing keys.
    """

    family: Family
    generation: int
    waits_since: datetime | None
    obstacle: Obstacle | None
    behind: int
    encryptions: int


@runtime_checkable
class Meter(Protocol):
    """Figures of one process. No method raises, waits, or is given a secret; every label is of a closed set."""

    @abstractmethod
    def hits(self, path: SecretPath) -> Hits:
        """Give what hits of this path are added to."""
        ...

    @abstractmethod
    def questions(self) -> Counter[str]:
        """Give what questions to a cache that instances share are added to, by what became of them."""
        ...

    @abstractmethod
    def old_formats(self) -> Counter[str]:
        """Give what reads of tokens and ciphertexts from before a migration are added to, by their format."""
        ...

    @abstractmethod
    def fetched(self, path: SecretPath, source: Source, took_s: float) -> None:
        """Count one fetch that memory could not answer, and how long it took."""
        ...

    @abstractmethod
    def read(self, folder: SecretPath, source: Source, took_s: float) -> None:
        """Count one read of a folder past every cache, which is neither a hit nor a miss, and how long it took."""
        ...

    @abstractmethod
    def failed(self, path: SecretPath, error: Exception) -> None:
        """Count one failure of the store, by its class, where that is one of ours."""
        ...

    @abstractmethod
    def rotated(self, family: Family, actor: str) -> None:
        """Count one promotion that this process made for this actor."""
        ...

    @abstractmethod
    def heard(self, result: WebhookOutcome | JournalKeysError) -> None:
        """Count one webhook by its event and by what became of it."""
        ...

    @abstractmethod
    def arrived(self, lag_s: float) -> None:
        """Count one webhook that was taken, and how long ago (≥ 0) it was sent."""
        ...

    @abstractmethod
    def show(self, figures: RingFigures) -> None:
        """Take the place of the figures of this ring that were shown before."""
        ...

    @abstractmethod
    def show_ledger(self, figures: LedgerFigures) -> None:
        """Take the place of what the ledger said of this ring before."""
        ...

    @abstractmethod
    def show_audit(self, status: AuditStatus) -> None:
        """Take the place of what was known of the audit trail before; nothing is shown of it until the first time."""
        ...

    @abstractmethod
    def show_store(self, *, is_silent: bool) -> None:
        """Show whether the store gave no answer when last asked."""
        ...

    @abstractmethod
    def encrypted(self, total: int) -> None:
        """Show how many encryptions the ACTIVE AES key has made in all processes, as far as this one knows."""
        ...

    @abstractmethod
    def publish(self) -> None:
        """Show what was added since."""
        ...
