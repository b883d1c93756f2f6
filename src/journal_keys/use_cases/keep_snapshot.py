"""Keep what this process knows, so that the next one can start while nobody can be asked."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from journal_keys.domain import material
from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_clock import ZERO, ClockReading
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.snapshot import KeptRing, KeptSecret, Snapshot, SnapshotError, SnapshotPace
from journal_keys.domain.windows import Windows
from journal_keys.ports.clock import Clock
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import SecretStore, SecretStoreError
from journal_keys.ports.snapshot_store import SnapshotForeignError, SnapshotStore
from journal_keys.ports.view_board import RingView, SigningView, ViewBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSnapshot:
    """Write when a ring changed, and otherwise ten times in the shortest life that a snapshot can have.

    That goes on in an outage, with the ages of then: what was counted once is not forgotten under a clock set back.
    """

    snapshots: SnapshotStore
    store: SecretStore
    board: ViewBoard
    cache: SecretCache
    clock: Clock
    budget: EncryptionBudget
    pace: SnapshotPace
    windows: Windows
    verify_max_stale: timedelta
    wanted: frozenset[SecretPath]

    async def __call__(self) -> bool:
        """Say whether a snapshot was written. One that knows better, from another process, stays.

        Raises:
            SnapshotForeignError: another environment's lies there, and stays.
            SnapshotError: it was not written; that is tried again after a while.
        """
        now, now_s = self.clock.read(), self.clock.uptime_s()
        views = [view for view in (self.board.signing, self.board.cipher) if view is not None]
        news = [(view.ring.family, view.ring.head, view.is_restored, view.missing) for view in views]
        if not views or not self.pace.is_due(news, now_s):
            return False
        self.pace.pause(news, now_s + min(self._period, self.windows.view_ttl).total_seconds())
        held = await self._held(now)
        rings = {view.ring.family: self._kept(view, now_s, held) for view in views}
        if held is not None and any(_knows_better(held.rings.get(family), ring) for family, ring in rings.items()):
            self.pace.pause(news, now_s + self._period.total_seconds())
            return False
        secrets, are_all_read = await self._secrets(held)
        encryptions = self.budget.total(rings[Family.AES].ring.active.kid) if Family.AES in rings else 0
        await self.snapshots.save(Snapshot(taken=now, rings=rings, secrets=secrets, encryptions=encryptions))
        if are_all_read:
            self.pace.pause(news, now_s + self._period.total_seconds())
        return True

    @property
    def _period(self) -> timedelta:
        bounds = [self.verify_max_stale]
        if self.windows.signs_through_outages:
            bounds.append(self.windows.oldest_signer_view)
        return min(bounds) / 10

    async def _held(self, now: ClockReading) -> Snapshot | None:
        """What lies there, as of now; None where it is of no use to anybody."""
        try:
            held = await self.snapshots.load()
            return None if held is None else held.aged(now)
        except SnapshotForeignError:
            raise
        except SnapshotError:
            return None

    def _kept(self, view: RingView, now_s: float, held: Snapshot | None) -> KeptRing:
        age = timedelta(seconds=max(now_s - view.confirmed_s, 0.0))
        same = held.rings.get(view.ring.family) if held else None
        if same is not None and same.confirmed_at == view.confirmed_at:
            age = max(age, same.age)
        withheld = view.signers if isinstance(view, SigningView) and not self.windows.signs_through_outages else {}
        return KeptRing(
            ring=view.ring,
            confirmed_at=view.confirmed_at,
            age=age,
            material={kid: material.encode(record) for kid, record in view.records.items() if kid not in withheld},
        )

    async def _secrets(self, held: Snapshot | None) -> tuple[Mapping[SecretPath, KeptSecret], bool]:
        """Read each folder once; what cannot be read now stays as it was, with its age. Say whether all was read."""
        kept = {
            path: secret
            for path, secret in (held.secrets if held else {}).items()
            if path in self.wanted and secret.age <= self.verify_max_stale
        }
        folders: dict[SecretPath, list[SecretPath]] = defaultdict(list)
        for path in self.wanted:
            folders[path.folder].append(path)
        are_all_read = True
        for folder, paths in folders.items():
            try:
                content = await self.store.read_folder(folder)
            except SecretStoreError:
                are_all_read = False
                continue
            for path in paths:
                if path.name in content.secrets:
                    kept[path] = KeptSecret(value=content.secrets[path.name], age=ZERO)
                    self.cache.keep_stale(path, content.secrets[path.name], ZERO)
                elif content.is_marked:
                    kept.pop(path, None)
        return kept, are_all_read


def _knows_better(held: KeptRing | None, mine: KeptRing) -> bool:
    """Whether somebody confirmed this ring later. One confirmation is the same for all, whatever clocks say of it."""
    return held is not None and held.confirmed_at != mine.confirmed_at and held.age < mine.age
