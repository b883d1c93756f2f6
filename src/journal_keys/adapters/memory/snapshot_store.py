"""A snapshot that ends with its process, and none at all."""

from journal_keys.domain.snapshot import Snapshot
from journal_keys.ports.snapshot_store import SnapshotStore


class MemorySnapshotStore(SnapshotStore):
    """Keeps the last one."""

    def __init__(self) -> None:
        self.name = "the snapshot in memory"
        self._kept: Snapshot | None = None

    async def load(self) -> Snapshot | None:
        """Give the last one."""
        return self._kept

    async def save(self, snapshot: Snapshot) -> None:
        """Keep this one."""
        self._kept = snapshot


class NoSnapshotStore(SnapshotStore):
    """Where no snapshot is wanted."""

    def __init__(self) -> None:
        self.name = ""

    async def load(self) -> Snapshot | None:
        """There is none."""
        return None

    async def save(self, snapshot: Snapshot) -> None:
        """Keep nothing."""
