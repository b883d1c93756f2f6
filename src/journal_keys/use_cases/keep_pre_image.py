"""Seal away what a migration is going to touch, so that it can be rolled back."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain.backup import PreImage, fingerprint, pre_image_text
from journal_keys.domain.backup_seal import Seal
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial, is_same
from journal_keys.domain.migration import Step
from journal_keys.domain.paths import (
    MARKER_NAME,
    PROJECTION_NAMES,
    SecretPath,
    family_folder,
    known_folders,
    owned_folders,
    versions_folder,
)
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.backup_shelf import BackupDamagedError, BackupShelf
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.ledger_archive import LedgerArchive
from journal_keys.ports.secret_store import SecretStore, SecretStoreProtocolError
from journal_keys.use_cases.plan_migration import MigrationPlan

OPENED = "migration_opened"
COMPLETED = "migration_completed"
ROLLED_BACK = "migration_rolled_back"
_PAGE = 1000
_NAME_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMigration:
    """A migration that was begun and not completed: its pre-image, and that file's SHA-256."""

    pre_image: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepPreImage:
    """One file per migration: a run that goes on with another's work goes on with its file."""

    archive: LedgerArchive
    trail: AuditTrail
    store: SecretStore
    shelf: BackupShelf
    entropy: Entropy

    async def __call__(self, plan: MigrationPlan, *, seal: Seal, actor: str, reason: str) -> OpenMigration:
        """Give the pre-image of the migration that is open, or write one and audit that a migration begins.

        Raises:
            BackupDamagedError: the file of the open migration is another one by now.
            BackupError: it could not be kept, or is gone; nothing was changed.
            PortError: store or ledger failed.
        """
        opened = await open_migration(self.trail)
        if opened is not None:
            if await self.shelf.digest(opened.pre_image) != opened.digest:
                raise BackupDamagedError(f"{opened.pre_image} is not the file with which the open migration began")
            return opened
        place, digest = await self.write(plan, seal)
        detail = {"pre_image": place, "sha256": digest}
        fact = AuditFact(at=plan.at, actor=actor, action=OPENED, family=None, kid=None, reason=reason, detail=detail)
        await self.trail.append(fact)
        return OpenMigration(pre_image=place, digest=digest)

    async def write(self, plan: MigrationPlan, seal: Seal) -> tuple[str, str]:
        """Write the pre-image only; give its place and the file's SHA-256. Raises as the call itself."""
        copy = await self.archive.copy()
        made_at = plan.at
        image = PreImage(
            made_at=made_at,
            ledger=copy,
            paths=await self._found(plan),
            imported=frozenset(one.kid for one in plan.keys if one.step is Step.COPY),
            written={
                one.path: fingerprint(one.value) for one in plan.secrets if one.step in {Step.COPY, Step.OVERWRITE}
            },
        )
        name = f"migration-{made_at:%Y%m%dT%H%M%SZ}-{self.entropy.token(_NAME_BYTES).hex()}.age"
        place = await self.shelf.save(name, pre_image_text(image), seal)
        return place, await self.shelf.digest(place)

    async def _found(self, plan: MigrationPlan) -> Mapping[SecretPath, KeyMaterial | None]:
        """Give what lies now at every path that may be touched. One bad answer would be put back one day."""
        touched = {
            *(one.path for one in plan.secrets if one.step in {Step.COPY, Step.OVERWRITE}),
            *(folder.child(MARKER_NAME) for folder in folders_of(plan)),
            *(versions_folder(family).child(one.kid) for family in Family for one in plan.of_family(family)),
            *(family_folder(family).child(name) for family in Family for name in PROJECTION_NAMES[family.value]),
        }
        held: dict[SecretPath, KeyMaterial | None] = {}
        for folder in sorted({path.folder for path in touched}):
            first, second = [(await self.store.read_folder(folder)).secrets for _ in range(2)]
            for path in (path for path in touched if path.folder == folder):
                held[path] = first.get(path.name)
                if not is_same(held[path], second.get(path.name)):
                    raise SecretStoreProtocolError(f"{path} was read twice with two answers: nothing was changed")
        return held


async def open_migration(trail: AuditTrail) -> OpenMigration | None:
    """Give the migration that was begun last, unless it was completed or rolled back."""
    last: AuditFact | None = None
    after = 0
    while entries := await trail.entries(after=after, limit=_PAGE):
        after = entries[-1].sequence
        found = [entry.fact for entry in entries if entry.fact.action in {OPENED, COMPLETED, ROLLED_BACK}]
        last = found[-1] if found else last
    if last is None or last.action != OPENED:
        return None
    return OpenMigration(pre_image=last.detail["pre_image"], digest=last.detail["sha256"])


def folders_of(plan: MigrationPlan) -> frozenset[SecretPath]:
    """The folders that a migration marks as ours."""
    of_rings = {folder for family in Family for folder in owned_folders(family)}
    return frozenset({*of_rings, *known_folders(), *(one.path.folder for one in plan.secrets)})
