"""Say per variable where its content is by now, and whether the environment may forget it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.migration import READ_BY_US, ItemStatus, MigrationMap, PlanLine, Resolutions, Step
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.foreign_keys import WorkReader
from journal_keys.use_cases.keep_pre_image import open_migration
from journal_keys.use_cases.plan_migration import MigrationPlan, PlanMigration
from journal_keys.use_cases.refresh_views import RefreshViews

_STATES = {Step.SAME: "migrated", Step.COPY: "missing", Step.MAKE: "missing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStatus:
    """Writes nothing."""

    plan: PlanMigration
    refresh: RefreshViews
    reader: WorkReader
    trail: AuditTrail

    async def __call__(self, source: Mapping[str, KeyMaterial], chosen: MigrationMap) -> tuple[ItemStatus, ...]:
        """Give one status per item, and one for each variable of the map that is not set.

        A variable may go when all that it holds is in store and rings, no migration is open, what its keys made before
        is read, and this package does not read it itself.

        Raises:
            PortError: store or ledger could not be read.
        """
        plan = await self.plan(source, chosen, Resolutions())
        is_open = await open_migration(self.trail) is not None
        unread = await self._unread(plan)
        staying = {line.variable for line in plan.lines if line.step is not Step.SAME}
        found = [self._status(line, is_open=is_open, unread=unread, staying=staying) for line in plan.lines]
        found += _companions(chosen, source, found)
        absent = [name for name in chosen.variables() if name not in source]
        return (
            *found,
            *(
                ItemStatus(variable=name, target="-", state="absent", removable=False, because="it is not set")
                for name in absent
            ),
        )

    async def _unread(self, plan: MigrationPlan) -> frozenset[str]:
        """Variables whose keys' work is not read."""
        moved = [one for one in plan.keys if one.step is Step.SAME and not one.is_over]
        if not moved:
            return frozenset()
        await self.refresh()
        works = {work.kid: work for work in plan.works}
        return frozenset(one.variable for one in moved if not self.reader.reads(works[one.kid]))

    def _status(self, line: PlanLine, *, is_open: bool, unread: frozenset[str], staying: set[str]) -> ItemStatus:
        state = _STATES.get(line.step, "unusable" if line.here is None else "differs")
        why = line.because
        if line.step is Step.SAME:
            why = _stays(line.variable, is_open=is_open, unread=unread, staying=staying)
        return ItemStatus(
            variable=line.variable,
            target=line.target,
            state=state,
            removable=line.step is Step.SAME and not why,
            because=why or line.because,
        )


def _stays(variable: str, *, is_open: bool, unread: frozenset[str], staying: set[str]) -> str:
    """Why a variable has to stay, nothing where it may go."""
    if variable in READ_BY_US:
        return "this package reads it at its start"
    if is_open:
        return "a migration is open: run 'migration migrate' again"
    if variable in unread:
        return "what its keys made before is not read"
    return "not all that it holds was moved" if variable in staying else ""


def _companions(chosen: MigrationMap, source: Mapping[str, KeyMaterial], found: list[ItemStatus]) -> list[ItemStatus]:
    """Variables that only say something of a key in another one: they may go when that one may."""
    known = {one.variable for one in found}
    told = []
    for name, main in chosen.companions().items():
        items = [one for one in found if one.variable == main]
        if name in source and name not in known and items:
            worst = next((one for one in items if not one.removable), items[0])
            told.append(replace(worst, variable=name, target="-", because=worst.because or f"with {main}"))
    return told
