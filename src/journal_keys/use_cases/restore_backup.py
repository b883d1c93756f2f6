"""Put a backup into the place of what was lost: never over anything, and no key that was compromised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain import material, rotation
from journal_keys.domain.backup import Backup
from journal_keys.domain.backup_seal import Opening
from journal_keys.domain.changes import AuditFact, check_reason
from journal_keys.domain.errors import DomainError, MaterialCorruptError, PortError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.ledger_copy import Refounding
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, compromised_folder, known_folders, owned_folders, versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.backup_shelf import BackupShelf
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.ledger import Ledger, LedgerUnavailableError
from journal_keys.ports.ledger_archive import LedgerArchive, LedgerNotEmptyError
from journal_keys.ports.progress import Progress, Silent
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import FolderContent, SecretStore
from journal_keys.use_cases.check_backup import BackupReport, CheckBackup
from journal_keys.use_cases.make_key import MakeKey
from journal_keys.use_cases.make_views import is_shared, needed
from journal_keys.use_cases.project_ring import ProjectRing, unknown_to
from journal_keys.use_cases.put_values import PutValues
from journal_keys.use_cases.read_material import ReadMaterial
from journal_keys.use_cases.trail_facts import facts

RESTORED = "ledger_restored"


class RestoreRefusedError(DomainError):
    """A restore would overwrite something: nothing was changed."""


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
class Losses:
    """What a restore cannot give back: keys of which tombstones tell, and those whose material is nowhere."""

    buried: frozenset[Kid]
    at_hand: frozenset[tuple[Family, Kid]]

    def of(self, ring: KeyRing) -> frozenset[Kid]:
        """The keys whose material is needed and nowhere: those that sign or encrypt, and shared secrets."""
        in_use = (ring.active, ring.staged)
        return frozenset(
            one.kid
            for one in needed(ring)
            if (one in in_use or is_shared(one)) and (ring.family, one.kid) not in self.at_hand
        )

    def is_usable(self, version: KeyVersion) -> bool:
        """Whether this key can go on."""
        return version.kid not in self.buried and (version.family, version.kid) in self.at_hand


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBackup:
    """Values first, then the ledger in one transaction, then the guide's names; done again, it goes on."""

    check: CheckBackup
    ledger: Ledger
    archive: LedgerArchive
    trail: AuditTrail
    store: SecretStore
    cache: SecretCache
    put: PutValues
    make_key: MakeKey
    project: ProjectRing
    read_material: ReadMaterial
    hints: HintBus
    shelf: BackupShelf
    policies: Mapping[Family, RotationPolicy]

    async def __call__(
        self, place: str, opening: Opening, *, actor: str, reason: str, tell: Progress | None = None
    ) -> RestoredBackup:
        """Give what was restored.

        Raises:
            BackupError: it cannot be opened, or is no backup; nothing was changed.
            MaterialCorruptError: a key in it is not what it should be; nothing was changed.
            RestoreRefusedError: the ledger holds rings, or the store something else at a path of the backup, or keys in
                use that the backup does not know; nothing was changed.
            PortError: store or ledger failed; the same again goes on.
        """
        check_reason(reason)
        tell = tell or Silent()
        backup, report = await self.check(place, opening, tell=tell)
        sha256 = await self.shelf.digest(place)
        already = await self._is_restored(sha256)
        buried = await self._buried(backup)
        made: dict[Family, tuple[KeyVersion, KeyVersion]] = {}
        if not already:  # else every value was put before the ledger was refounded, and may rightly be gone by now
            values = {**self._lines(backup, buried), **backup.secrets}
            await self._refuse_used_ledger()
            await self._refuse_younger_store(backup)
            await self._refuse_other_values(values)
            tell("putting values", 0, len(values))
            await self._put(values)
            buried |= await self._buried(backup, is_marked=True)
            cause = Cause(at=await self._now(), actor=actor, reason=reason)
            losses = Losses(buried=buried, at_hand=await self._at_hand(backup))
            made = await self._fresh(backup, losses, cause)
            tell("restoring the ledger", 0, 1)
            await self._refound(backup, losses, made, cause, sha256)
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
            if fact.action == RESTORED and fact.detail.get("sha256") == sha256:
                return True
        return False

    async def _refuse_used_ledger(self) -> None:
        if await self.ledger.heads() or await self.trail.entries(limit=1):
            raise RestoreRefusedError(
                "the ledger holds rings or an audit trail already, and a restore never overwrites: restore into a new"
                " ledger, or use what is there"
            )

    async def _refuse_younger_store(self, backup: Backup) -> None:
        """A ledger from before the store's last rotation would refuse tokens that are good."""
        for family, ring in backup.ledger.rings.items():
            content = await self.store.read_folder(versions_folder(family))
            younger = await self.project.shown(ring, content) | _imported_since(ring, content)
            if younger:
                raise RestoreRefusedError(
                    f"the store shows {', '.join(sorted(younger))}, which the backup does not know: it is older than"
                    " the store; nothing was changed. Run 'journal-keys recover', which takes every stored key in, or"
                    " restore a younger backup"
                )

    async def _buried(self, backup: Backup, *, is_marked: bool = False) -> frozenset[Kid]:
        """The kids of which a tombstone in the store tells that they were compromised.

        Where the folders were marked before, an answer without the marker is no answer.
        """
        found: set[Kid] = set()
        for family, ring in backup.ledger.rings.items():
            content = await self.store.read_folder(compromised_folder(family))
            stones = (content.require_marked() if is_marked else content).secrets
            found |= {version.kid for version in ring.versions if version.kid in stones}
        return frozenset(found)

    async def _at_hand(self, backup: Backup) -> frozenset[tuple[Family, Kid]]:
        """The keys whose material is in the backup, or in the store as the ledger in the backup knows it."""
        found = set()
        for family, ring in backup.ledger.rings.items():
            stored = (await self.read_material(family)).secrets
            for version in ring.versions:
                line = backup.line(family, version.kid) or stored.get(version.kid)
                if line is not None and line.digest() == version.digest:
                    found.add((family, version.kid))
        return frozenset(found)

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

    async def _refuse_other_values(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        other = []
        for folder in sorted({path.folder for path in values}):
            held = (await self.store.read_folder(folder)).secrets
            other += [
                str(path)
                for path, value in values.items()
                if path.folder == folder and path.name in held and not held[path.name].same_as(value)
            ]
        if other:
            raise RestoreRefusedError(
                f"the store holds other values at {', '.join(sorted(other))}, and a restore never overwrites: nothing"
                " was changed; delete them first if they are to be restored"
            )

    async def _put(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        of_rings = {folder for family in Family for folder in owned_folders(family)}
        await self.put.mark(frozenset({*of_rings, *known_folders(), *(path.folder for path in values)}))
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
        sha256: str,
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
                action=RESTORED,
                family=None,
                kid=None,
                reason=cause.reason,
                detail={"sha256": sha256, "made_at": backup.made_at.isoformat()},
            )
            facts = (first, *(fact for change in changes.values() for fact in change.facts))
            return Refounding(rings={family: change.ring for family, change in changes.items()}, facts=facts)

        try:
            await self.archive.refound(backup.ledger, finish)
        except LedgerNotEmptyError as failure:
            if not await self._is_restored(sha256):
                raise RestoreRefusedError(str(failure)) from None
        except LedgerUnavailableError:
            if not await self._is_restored(sha256):
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


def _imported_since(ring: KeyRing, content: FolderContent) -> frozenset[str]:
    """Keys that a migration brought after the backup, whether or not the guide's names show them."""
    found = set()
    for name in unknown_to(ring, content):
        try:
            found |= {name} if material.decode(content.secrets[name]).derived_kid is not None else set()
        except MaterialCorruptError:
            continue
    return frozenset(found)


def _dated(pair: tuple[KeyVersion, KeyVersion] | None, at: datetime) -> tuple[KeyVersion, KeyVersion] | None:
    return (rotation.published(pair[0], at), rotation.published(pair[1], at)) if pair else None
