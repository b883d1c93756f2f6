"""Start from what a former process knew, where nobody can be asked."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.snapshot import KeptRing, Snapshot, SnapshotTooOldError
from journal_keys.ports.clock import Clock
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import FolderContent
from journal_keys.ports.snapshot_store import SnapshotStore
from journal_keys.ports.view_board import RingView, ViewBoard
from journal_keys.use_cases.make_views import cipher_view, signing_view
from journal_keys.use_cases.read_material import records_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Views stand that were confirmed `age` ago, when the wall clock read `confirmed_at`."""

    confirmed_at: datetime
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSnapshot:
    """Show a snapshot's rings where there are no views, and let its secrets stand in for a store that fails."""

    snapshots: SnapshotStore
    opener: KeyOpener
    board: ViewBoard
    cache: SecretCache
    clock: Clock
    budget: EncryptionBudget
    verify_max_stale: timedelta

    async def __call__(self) -> Restored | None:
        """Give what was restored, None where there is no snapshot or nothing that it could add. Views that stand stay.

        Raises:
            SnapshotTooOldError: it is older than an unconfirmed view may verify, or nobody can tell how old it is.
            SnapshotError: it cannot be read, or is not this environment's.
        """
        held = await self.snapshots.load()
        if held is None:
            return None
        now_s = self.clock.uptime_s()
        snapshot = self._aged(held, self.clock.read())
        shown = {Family.JWT: self.board.signing, Family.AES: self.board.cipher}
        kept = [ring for family, ring in snapshot.rings.items() if shown[family] is None]
        if kept:
            self._refuse_old(min(kept, key=lambda ring: ring.age))
        usable = [ring for ring in kept if ring.age <= self.verify_max_stale]
        for ring in usable:
            self.board.show(self._view(ring, now_s))
            if ring.ring.family is Family.AES:
                self.budget.report(ring.ring.active.kid, snapshot.encryptions)
        for path, secret in snapshot.secrets.items():
            self.cache.keep_stale(path, secret.value, secret.age)
        if not usable:
            return None
        oldest = max(usable, key=lambda ring: ring.age)
        return Restored(confirmed_at=oldest.confirmed_at, age=oldest.age)

    def _aged(self, held: Snapshot, now: ClockReading) -> Snapshot:
        try:
            return held.aged(now)
        except SnapshotTooOldError as failure:
            raise SnapshotTooOldError(f"the snapshot {self.snapshots.name} is not used: {failure}") from None

    def _refuse_old(self, youngest: KeptRing) -> None:
        if youngest.age > self.verify_max_stale:
            raise SnapshotTooOldError(
                f"the snapshot {self.snapshots.name} was confirmed {youngest.age.total_seconds():.0f} s ago, at"
                f" {youngest.confirmed_at.isoformat(timespec='seconds')}, which is more than JOURNAL_VERIFY_MAX_STALE"
                f" {self.verify_max_stale.total_seconds():g} s: nothing is verified or decrypted with it"
            )

    def _view(self, kept: KeptRing, now_s: float) -> RingView:
        """Make the view as it was; each key is checked against its kid, and each line against the ring's digest."""
        ring, confirmed_s = kept.ring, now_s - kept.age.total_seconds()
        lines = {str(kid): line for kid, line in kept.material.items()}
        records = records_of(FolderContent(versions_folder(ring.family), lines), ring.accepted)
        make = cipher_view if ring.family is Family.AES else signing_view
        view: RingView = make(self.opener, ring, records, confirmed_s=confirmed_s)
        return replace(view, confirmed_at=kept.confirmed_at, is_restored=True)
