"""Move secrets and keys in: what was there before is sealed away first, and what they made is read through us last."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain.backup_seal import Seal
from journal_keys.domain.changes import AuditFact, check_reason
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.migration import MigrationMap, Resolutions, Step
from journal_keys.domain.rotation import Cause
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.progress import Progress, Silent
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.init_rings import holds_keys_of_a_ring, lost_ledger
from journal_keys.use_cases.keep_pre_image import COMPLETED, KeepPreImage, folders_of, open_migration
from journal_keys.use_cases.plan_migration import MigrationPlan, PlanMigration
from journal_keys.use_cases.prove_migration import ProveMigration
from journal_keys.use_cases.put_values import PutValues
from journal_keys.use_cases.take_keys_in import TakeKeysIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What was moved, by variable; how many things that the keys made before were read; the pre-image's name."""

    moved: tuple[str, ...]
    proved: int
    pre_image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToMigrate:
    """Everything in the plan was there already: nothing was changed."""

    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One run's parameters."""

    resolutions: Resolutions
    seal: Seal
    actor: str
    reason: str
    anew: bool = False
    """Give up the pre-image of an open migration, which was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateSecrets:
    """Each step can be done again: a run that was cut short is completed by the next one."""

    plan: PlanMigration
    keep: KeepPreImage
    put: PutValues
    take_in: TakeKeysIn
    prove: ProveMigration
    store: SecretStore
    cache: SecretCache
    ledger: Ledger
    trail: AuditTrail

    async def __call__(
        self, source: Mapping[str, KeyMaterial], chosen: MigrationMap, move: Move, *, tell: Progress | None = None
    ) -> Migrated | NothingToMigrate:
        """Do what the plan says, and prove it.

        1. Seal the pre-image away, and audit its name and digest. 2. Set the secrets. 3. Put the keys' material under
        their names, read it back, take them into the rings, write the guide's names. 4. Read every value back, and
        with fresh views what the keys made before. 5. Audit the end.

        Raises:
            InvalidNameError: the reason is malformed, or a resolution names nothing of the plan.
            ConflictError: the plan has conflicts; nothing was changed.
            LedgerMissingError: the store holds keys of a ring that the ledger does not have; nothing was changed.
            MigrationUnprovedError: something that was made before is not read; the pre-image leads back.
            PortError: store, ledger or shelf failed; the same again goes on.
        """
        check_reason(move.reason)
        tell = tell or Silent()
        tell("planning", 0, 1)
        plan = await self.plan(source, chosen, move.resolutions)
        await self.refuse_lost_ledger(plan)
        plan.check()
        if plan.is_done and await open_migration(self.trail) is None:
            return NothingToMigrate(items=len(plan.lines))
        opened = await self.keep(plan, seal=move.seal, actor=move.actor, reason=move.reason, anew=move.anew)
        await self._secrets(plan, tell)
        for number, family in enumerate(Family):
            tell("taking keys in", number, len(Family))
            await self.take_in(plan, family, Cause(at=plan.at, actor=move.actor, reason=move.reason))
        await self.prove(plan, tell)
        await self._complete(move, opened.pre_image)
        moved = dict.fromkeys(line.variable for line in plan.lines if line.step in {Step.COPY, Step.OVERWRITE})
        return Migrated(
            moved=tuple(name for name in moved if name in source), proved=len(plan.works), pre_image=opened.pre_image
        )

    async def refuse_lost_ledger(self, plan: MigrationPlan) -> None:
        """Found no ring on keys that are imported while the store holds those of a ledger that was lost.

        It is looked twice, because one bad answer is no proof, and nothing is marked yet.

        Raises:
            LedgerMissingError: it does, and they are not what an open migration left.
        """
        if await open_migration(self.trail) is not None:
            return
        for _ in range(2):
            for family, ring in plan.rings.items():
                if ring is None and await holds_keys_of_a_ring(self.store, family):
                    raise lost_ledger(family)

    async def _secrets(self, plan: MigrationPlan, tell: Progress) -> None:
        await self.put.mark(folders_of(plan))
        for held in plan.names:
            await held.check(self.store)
        new = {one.path: one.value for one in plan.secrets if one.step is Step.COPY}
        other = {one.path: one.value for one in plan.secrets if one.step is Step.OVERWRITE}
        tell("setting secrets", 0, len(new) + len(other))
        await self.put.new(new)
        await self.put.set(other)
        for path in (*new, *other):
            await self.cache.invalidate(path)

    async def _complete(self, move: Move, pre_image: str) -> None:
        now = (await self.ledger.read(Family.JWT)).now
        await self.trail.append(
            AuditFact(
                at=now,
                actor=move.actor,
                action=COMPLETED,
                family=None,
                kid=None,
                reason=move.reason,
                detail={"pre_image": pre_image},
            )
        )
