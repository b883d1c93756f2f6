"""Seal away what a migration is going to touch, so that it can be rolled back."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain.backup import PreImage, pre_image_text
from journal_keys.domain.backup_seal import Seal
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial, is_same
from journal_keys.domain.migration import ConflictError, Step
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
from journal_keys.use_cases.trail_facts import facts

OPENED = "migration_opened"
COMPLETED = "migration_completed"
ROLLED_BACK = "migration_rolled_back"
_NAME_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMigration:
    """A migration that was begun and not completed: its pre-image's name, that file's SHA-256, what it covers."""

    pre_image: str
    digest: str
    touches: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepPreImage:
    """One file per migration: a run that goes on with another's work goes on with its file."""

    archive: LedgerArchive
    trail: AuditTrail
    store: SecretStore
    shelf: BackupShelf
    entropy: Entropy

    async def __call__(
        self, plan: MigrationPlan, *, seal: Seal, actor: str, reason: str, anew: bool = False
    ) -> OpenMigration:
        """Give the pre-image of the migration that is open, or write one and audit that a migration begins.

        `anew` gives up the one that is open, whose file was lost: what it changed can no longer be undone.

        Raises:
            BackupDamagedError: the file of the open migration is another one by now.
            BackupMissingError: it is gone.
            ConflictError: the plan changes more than the open migration sealed away.
            BackupError: it could not be kept; nothing was changed.
            PortError: store or ledger failed.
        """
        opened = None if anew else await open_migration(self.trail)
        if opened is not None:
            if await self.shelf.digest(opened.pre_image) != opened.digest:
                raise BackupDamagedError(f"{opened.pre_image} is not the file with which the open migration began")
            more = sorted(_targets(plan) - opened.touches)
            if more:
                raise ConflictError(
                    f"a migration is open whose pre-image {opened.pre_image} does not cover {', '.join(more)}:"
                    " complete it with what it began with, or roll it back"
                )
            return opened
        name, digest = await self.write(plan, seal)
        detail = {"pre_image": name, "sha256": digest, "touches": " ".join(sorted(_targets(plan)))}
        fact = AuditFact(at=plan.at, actor=actor, action=OPENED, family=None, kid=None, reason=reason, detail=detail)
        await self.trail.append(fact)
        return OpenMigration(pre_image=name, digest=digest, touches=_targets(plan))

    async def write(self, plan: MigrationPlan, seal: Seal) -> tuple[str, str]:
        """Write the pre-image only; give its name on the shelf, and the file's SHA-256. Raises as the call itself."""
        copy = await self.archive.copy()
        made_at = plan.at
        image = PreImage(
            made_at=made_at,
            ledger=copy,
            paths=await self._found(plan),
            imported=frozenset(one.kid for one in plan.keys if one.step is Step.COPY),
            written={one.path: one.value.digest() for one in plan.secrets if one.step in {Step.COPY, Step.OVERWRITE}},
        )
        name = f"migration-{made_at:%Y%m%dT%H%M%SZ}-{self.entropy.token(_NAME_BYTES).hex()}.age"
        await self.shelf.save(name, pre_image_text(image), seal)
        return name, await self.shelf.digest(name)

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
    async for fact in facts(trail):
        if fact.action in {OPENED, COMPLETED, ROLLED_BACK}:
            last = fact
    if last is None or last.action != OPENED:
        return None
    return OpenMigration(
        pre_image=last.detail["pre_image"],
        digest=last.detail["sha256"],
        touches=frozenset(last.detail["touches"].split()),
    )


def _targets(plan: MigrationPlan) -> frozenset[str]:
    """What a plan is going to change beside markers and the guide's names, which every plan may change."""
    paths = {str(one.path) for one in plan.secrets if one.step in {Step.COPY, Step.OVERWRITE}}
    return frozenset(paths | {f"{family}:{one.kid}" for family in Family for one in plan.of_family(family)})


def folders_of(plan: MigrationPlan) -> frozenset[SecretPath]:
    """The folders that a migration marks as ours."""
    of_rings = {folder for family in Family for folder in owned_folders(family)}
    return frozenset({*of_rings, *known_folders(), *(one.path.folder for one in plan.secrets)})
