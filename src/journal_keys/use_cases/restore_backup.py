"""Put a backup into the place of what was lost: never over anything, and no key that was compromised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain import rotation
from journal_keys.domain.backup import Backup
from journal_keys.domain.backup_seal import Opening
from journal_keys.domain.changes import LEDGER_RESTORED, AuditFact, check_reason
from journal_keys.domain.errors import MaterialCorruptError, PortError
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.ledger_copy import Refounding
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, known_folders, owned_folders, versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.backup_shelf import BackupShelf
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.ledger import Ledger, LedgerUnavailableError
from journal_keys.ports.ledger_archive import LedgerArchive, LedgerNotEmptyError
from journal_keys.ports.progress import Progress, Silent
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.check_backup import BackupReport, CheckBackup
from journal_keys.use_cases.find_losses import FindLosses, Losses
from journal_keys.use_cases.make_key import MakeKey
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.put_values import PutValues
from journal_keys.use_cases.refuse_restore import RefuseRestore, RestoreRefusedError
from journal_keys.use_cases.trail_facts import facts


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredBackup:
    """What was restored. `compromised` are kids that a tombstone keeps out of use.

    `made` are new keys of rings that had none left to use. `already`: an earlier call had refounded the ledger.
    """

    report: BackupReport
    compromised: tuple[Kid, ...]
    made: tuple[Kid, ...]
    already: bool
    unfinished: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seam:
    """Where the restored chain goes on: from which backup, and whether the clock was said to be right."""

    sha256: str
    made_at: datetime
    accepts_clock: bool

    def detail(self) -> dict[str, str]:
        told = {"sha256": self.sha256, "made_at": self.made_at.isoformat()}
        return {**told, "clock": "accepted"} if self.accepts_clock else told


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBackup:
    """Values first, then the ledger in one transaction, then the guide's names; done again, it goes on."""

    check: CheckBackup
    refuse: RefuseRestore
    find_losses: FindLosses
    ledger: Ledger
    archive: LedgerArchive
    trail: AuditTrail
    store: SecretStore
    cache: SecretCache
    put: PutValues
    make_key: MakeKey
    project: ProjectRing
    hints: HintBus
    shelf: BackupShelf
    policies: Mapping[Family, RotationPolicy]

    async def __call__(
        self,
        place: str,
        opening: Opening,
        *,
        actor: str,
        reason: str,
        accepts_clock: bool = False,
        tell: Progress | None = None,
    ) -> RestoredBackup:
        """Give what was restored. `accepts_clock` says that the clock is right though the backup's stood ahead of it.

        Raises:
            BackupError: it cannot be opened, or is no backup; nothing was changed.
            MaterialCorruptError: a key in it is not what it should be; nothing was changed.
            RestoreRefusedError: the ledger holds rings, or the store something else at a path of the backup, or keys in
                use that the backup does not know; nothing was changed, but for markers that were missing.
            ClockWentBackError: the clock stands before the backup's; the ledger was not changed.
            PortError: store or ledger failed; the same again goes on.
        """
        check_reason(reason)
        tell = tell or Silent()
        backup, report = await self.check(place, opening, tell=tell)
        sha256 = await self.shelf.digest(place)
        already = await self._is_restored(sha256)
        buried = await self.find_losses.buried(backup)
        made: dict[Family, tuple[KeyVersion, KeyVersion]] = {}
        if not already:  # else every value was put before the ledger was refounded, and may rightly be gone by now
            values = {**self._lines(backup, buried), **backup.secrets}
            await self.refuse(backup, values)
            tell("putting values", 0, len(values))
            await self._mark(values)
            await self.refuse.behind_markers(backup)
            await self._put(values)
            cause = Cause(at=await self._now(), actor=actor, reason=reason)
            losses = await self.find_losses(backup)
            buried |= losses.buried
            made = await self._fresh(backup, losses, cause)
            tell("restoring the ledger", 0, 1)
            seam = _Seam(sha256=sha256, made_at=backup.made_at, accepts_clock=accepts_clock)
            await self._refound(backup, losses, made, cause, seam)
        return RestoredBackup(
            report=report,
            compromised=tuple(sorted(buried)),
            made=tuple(version.kid for pair in made.values() for version in pair),
            already=already,
            unfinished=await self._projected(),
        )

    async def _now(self) -> datetime:
        return (await self.ledger.read(Family.JWT)).now

    async def _is_restored(self, sha256: str) -> bool:
        async for fact in facts(self.trail):
            if fact.action == LEDGER_RESTORED and fact.detail.get("sha256") == sha256:
                return True
        return False

    def _lines(self, backup: Backup, buried: frozenset[Kid]) -> dict[SecretPath, KeyMaterial]:
        """What is put of each ring: not the signing keys that were compromised, nor what was destroyed."""
        lines = {}
        for family, ring in backup.ledger.rings.items():
            for version in ring.versions:
                line = backup.line(family, version.kid)
                is_gone = version.kid in buried or version.state is KeyState.COMPROMISED
                if line is None or version.state is KeyState.DESTROYED or (is_gone and family is Family.JWT):
                    continue
                lines[versions_folder(family).child(version.kid)] = line
        return lines

    async def _mark(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        of_rings = {folder for family in Family for folder in owned_folders(family)}
        await self.put.mark(frozenset({*of_rings, *known_folders(), *(path.folder for path in values)}))

    async def _put(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        missing = {}
        for folder in sorted({path.folder for path in values}):
            held = (await self.store.read_folder(folder)).secrets
            missing.update({path: v for path, v in values.items() if path.folder == folder and path.name not in held})
        await self.put.new(missing)
        for path in missing:
            await self.cache.invalidate(path)

    async def _fresh(self, backup: Backup, losses: Losses, cause: Cause) -> dict[Family, tuple[KeyVersion, KeyVersion]]:
        """Make an ACTIVE and a staged key for each ring that has none left to use."""
        made = {}
        for family, ring in backup.ledger.rings.items():
            if not any(losses.is_usable(one) for one in (ring.active, ring.staged) if one is not None):
                policy = self.policies[family]
                made[family] = (await self.make_key(policy, cause), await self.make_key(policy, cause))
        return made

    async def _refound(
        self,
        backup: Backup,
        losses: Losses,
        made: Mapping[Family, tuple[KeyVersion, KeyVersion]],
        cause: Cause,
        seam: _Seam,
    ) -> None:
        def finish(at: datetime) -> Refounding:
            now = cause.when(at)
            changes = {
                family: rotation.restored(
                    ring, now, buried=losses.buried, lost=losses.of(ring), fresh=_dated(made.get(family), at)
                )
                for family, ring in backup.ledger.rings.items()
            }
            first = AuditFact(
                at=at,
                actor=cause.actor,
                action=LEDGER_RESTORED,
                family=None,
                kid=None,
                reason=cause.reason,
                detail=seam.detail(),
            )
            told = (first, *(fact for change in changes.values() for fact in change.facts))
            return Refounding(rings={family: change.ring for family, change in changes.items()}, facts=told)

        try:
            await self.archive.refound(backup.ledger, finish, accepts_clock=seam.accepts_clock)
        except LedgerNotEmptyError as failure:
            if not await self._is_restored(seam.sha256):
                raise RestoreRefusedError(str(failure)) from None
        except LedgerUnavailableError:
            if not await self._is_restored(seam.sha256):
                raise

    async def _projected(self) -> str | None:
        try:
            for family in Family:
                ring = (await self.ledger.read(family)).ring
                if ring is not None:
                    await self.hints.publish(family, ring.generation)
                    await self.project(ring)
        except (PortError, MaterialCorruptError) as failure:
            return str(failure)
        return None


def _dated(pair: tuple[KeyVersion, KeyVersion] | None, at: datetime) -> tuple[KeyVersion, KeyVersion] | None:
    return (rotation.published(pair[0], at), rotation.published(pair[1], at)) if pair else None
