"""Where a process keeps what it knows, for the next one that starts while nobody can be asked."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from journal_keys.domain.snapshot import Snapshot, SnapshotError


class SnapshotUnavailableError(SnapshotError):
    """The snapshot cannot be read or written now."""


class SnapshotDeniedError(SnapshotError):
    """What is there is a link, another user's, or open to other users."""


class SnapshotDamagedError(SnapshotError):
    """What is there is cut off, changed, too large, or of another version."""


class SnapshotKeyError(SnapshotError):
    """The snapshot was sealed under another key."""


class SnapshotForeignError(SnapshotError):
    """The snapshot is another environment's."""


@runtime_checkable
class SnapshotStore(Protocol):
    """One snapshot of one environment.

    Every method may raise `SnapshotUnavailableError` and `SnapshotDeniedError`; messages name the snapshot.
    """

    name: str
    """What messages call it; empty where nothing is kept."""

    @abstractmethod
    async def load(self) -> Snapshot | None:
        """Give what was saved last, whole, or None where nothing ever was.

        Raises:
            SnapshotDamagedError, SnapshotKeyError, SnapshotForeignError: it is not what this environment saved.
        """
        ...

    @abstractmethod
    async def save(self, snapshot: Snapshot) -> None:
        """Put this in the place of what was saved before, whole or not at all.

        Raises:
            SnapshotDamagedError: it is larger than could be loaded again; what was saved before stays.
        """
        ...
