"""One crash: a verb that runs into a plan of faults, and what others do afterwards on the same ledger and store."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.outcomes import Reconciled, ReconcileOutcome
from tests.support.crash_checks import Inquest
from tests.support.crash_rules import require
from tests.support.crash_scenes import Scene, rotate
from tests.support.crash_worlds import Kept
from tests.support.fault_plan import FaultKind, FaultPlan, ProcessDied
from tests.support.process import Process, end_of
from tests.support.world import W1, World

_ENDS: Final[Mapping[FaultKind, type[BaseException]]] = {
    FaultKind.HANG: asyncio.CancelledError,
    FaultKind.CANCEL_BEFORE: asyncio.CancelledError,
    FaultKind.CANCEL_AFTER: asyncio.CancelledError,
    FaultKind.DEATH_BEFORE: ProcessDied,
    FaultKind.DEATH_AFTER: ProcessDied,
}
"""How a use case ends; under every other kind it gives an outcome or raises a `JournalKeysError`."""


@dataclass(slots=True, kw_only=True)
class Crash:
    """Every process that takes part makes keys of its own."""

    world: World
    scene: Scene
    kept: Kept
    inquest: Inquest = field(init=False)
    _seeds: "count[int]" = field(default_factory=lambda: count(100))

    def __post_init__(self) -> None:
        self.inquest = Inquest(self.world, self.scene, self.kept)

    async def happen(self, plan: FaultPlan) -> None:
        """Run the verb, and where the plan goes on, a pass by another process; look at what each of them leaves."""
        await self._follow(plan, self.scene.verb(self._process(plan), self.kept))
        if plan.then:
            plan.go_on()
            await self._follow(plan, self._repair_once(self._process(plan)))

    async def repair(self) -> None:
        """One pass, and nothing is left to do, but for what has to wait."""
        await self._repair_once(self._process())
        require(await self._pass() == (), "a second pass found something to do")
        await self.inquest.at_once()

    async def rest(self) -> None:
        """The question of before has one answer, also when nothing waits any more, and then nothing is left at all."""
        await self._ask_again()
        self.world.clock.pass_time(W1)
        await self._pass()
        require(await self._pass() == (), "a pass in rest found something to do")
        await self._ask_again()
        await self.inquest.at_the_end()

    async def _follow(self, plan: FaultPlan, deed: Awaitable[object]) -> None:
        before = len(plan.struck)
        ended = await end_of(plan, deed)
        expected = [_ENDS[kind] for kind in plan.struck[before:] if kind in _ENDS]
        if expected:
            require(isinstance(ended, expected[0]), f"it ended with {ended!r}")
        elif isinstance(ended, BaseException) and not isinstance(ended, JournalKeysError):
            raise ended
        await self.inquest.told(ended)
        await self.inquest.at_once()

    def _process(self, plan: FaultPlan | None = None) -> World:
        return Process(self.world).world(next(self._seeds), plan)

    async def _repair_once(self, process: World) -> ReconcileOutcome:
        """A pass; before it, what only an operator may do where there is no ring."""
        if await self.inquest.ring() is None:
            await self.scene.verb(process, self.kept)
        return await process.reconcile(self.scene.family)

    async def _pass(self) -> tuple[str, ...] | None:
        outcome = await self._process().reconcile(self.scene.family)
        return outcome.repairs if isinstance(outcome, Reconciled) else None

    async def _ask_again(self) -> None:
        first = await self.scene.verb(self._process(), self.kept)
        await self.inquest.told(first)
        if self.scene.verb is rotate:
            require(await rotate(self._process(), self.kept) == first, "the same rotation id gave two results")
