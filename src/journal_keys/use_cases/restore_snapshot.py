"""Start from what a former process knew, where nobody can be asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.domain.material import MaterialRecord
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.snapshot import KeptRing, Snapshot, SnapshotTooOldError
from journal_keys.ports.clock import Clock
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import FolderContent
from journal_keys.ports.snapshot_store import SnapshotStore
from journal_keys.ports.view_board import CipherView, RingView, SigningView, ViewBoard
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
        if ring.family is Family.AES:
            opening = {kid: self.opener.cipher(record) for kid, record in records.items()}
            return CipherView(
                ring=ring,
                confirmed_s=confirmed_s,
                sealing=opening.get(ring.active.kid),
                opening=opening,
                missing=_missing(ring, records),
                records=records,
                confirmed_at=kept.confirmed_at,
                is_restored=True,
            )
        signers = {kid: self.opener.signing(record) for kid, record in records.items()}
        return SigningView(
            ring=ring,
            confirmed_s=confirmed_s,
            signing=signers.get(ring.active.kid),
            signers=signers,
            verifying={
                version.kid: self.opener.verifying(version.kid, version.algorithm, version.public_jwk)
                for version in ring.accepted
                if version.public_jwk is not None
            },
            missing=_missing(ring, records),
            records=records,
            confirmed_at=kept.confirmed_at,
            is_restored=True,
        )


def _missing(ring: KeyRing, records: dict[Kid, MaterialRecord]) -> frozenset[Kid]:
    """The keys whose material a process needs: of signing keys the ACTIVE and the staged one, of AES keys all."""
    needed = ring.accepted if ring.family is Family.AES else (ring.active, ring.staged)
    return frozenset(version.kid for version in needed if version is not None) - records.keys()
