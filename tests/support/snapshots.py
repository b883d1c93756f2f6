"""Snapshots for tests, and what tells two of them apart."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from journal_keys.adapters.embedded.snapshot_store import FileSnapshotStore
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain import material
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Algorithm, Family
from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.snapshot import KeptRing, KeptSecret, Snapshot
from tests.support.canary.entropy import WatchedEntropy
from tests.support.ledger_contract import every_state
from tests.support.views import ring_of

TAKEN: Final = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
PATH: Final = SecretPath.parse("/database/db_url_async")
KEY: Final = KeyMaterial(WatchedEntropy(77).token(32))
KEY_TEXT: Final = "snapshot-keys-are-43-characters-of-base64ur"
MINUTE: Final = timedelta(minutes=1)


def reading(*, wall: timedelta = timedelta(0), uptime: timedelta = timedelta(days=3), boot: str = "a") -> ClockReading:
    """A look at the clocks of the host, `wall` after it was taken."""
    return ClockReading(wall=TAKEN + wall, uptime=uptime, boot=boot)


def small_snapshot(*, age: timedelta = MINUTE) -> Snapshot:
    """One AES key, one ring of every state, one secret."""
    aes_ring, records = ring_of(Family.AES, [Algorithm.A256GCM])
    return Snapshot(
        taken=reading(),
        rings={
            Family.AES: KeptRing(
                ring=aes_ring,
                confirmed_at=TAKEN - age,
                age=age,
                material={record.kid: material.encode(record) for record in records},
            ),
            Family.JWT: KeptRing(ring=every_state(Family.JWT), confirmed_at=TAKEN, age=timedelta(0), material={}),
        },
        secrets={PATH: KeptSecret(value=KeyMaterial(b"postgresql://journal:canary@db/journal"), age=2 * MINUTE)},
        encryptions=7,
    )


def file_store(
    folder: Path, *, key: KeyMaterial = KEY, environment: str = "project p, environment dev"
) -> FileSnapshotStore:
    """A snapshot file in this folder."""
    return FileSnapshotStore(folder / "snapshot.jks", key, environment, SystemEntropy())


def shown(snapshot: Snapshot | None) -> object:
    """Everything in it, comparable."""
    assert snapshot is not None
    rings = {
        family: (kept.ring, kept.confirmed_at, kept.age, {kid: expose(line) for kid, line in kept.material.items()})
        for family, kept in snapshot.rings.items()
    }
    secrets = {path: (expose(kept.value), kept.age) for path, kept in snapshot.secrets.items()}
    return snapshot.taken, rings, secrets, snapshot.encryptions
