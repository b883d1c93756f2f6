"""A fault at every port call of every verb, then one pass: nothing is lost, and nothing is left to do.

Between two port calls a use case has no effect, so a death there is a death before the later call.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from journal_keys.domain.errors import JournalKeysError
from tests.proof.spread import spread
from tests.proof.verdict import Verdict
from tests.support.crash import Crash
from tests.support.crash_plans import Calls, every, every_pair, one_each, some_pairs
from tests.support.crash_rules import BreachError
from tests.support.crash_scenes import Scene, scene_named, scenes
from tests.support.crash_worlds import Kept
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.grounds import DiskGround, Ground, MemoryGround
from tests.support.world import Design, World, ours

_RESTED: Final = "rotate jwt"
"""On real files to rest takes as long again as the fault and its repair; in memory every scene is brought to rest."""


@dataclass(slots=True)
class Tally:
    """How many faults struck, and what did not recover."""

    faults: int = 0
    breaches: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"faults {self.faults:,}, recovered {self.faults - len(self.breaches):,}"

    def add(self, other: "Tally") -> None:
        self.faults += other.faults
        self.breaches += other.breaches


@dataclass(slots=True, kw_only=True)
class Trial:
    """One scene, prepared once and crashed again and again."""

    ground: Ground
    scene: Scene
    design: Design = ours
    rests: bool = True
    """Whether all that has to wait is waited for, too, and looked at."""
    kept: Kept = field(init=False)

    async def prepare(self) -> "Trial":
        """Make the world that the verb finds."""
        self.kept = Kept(self.scene.family)
        await self.ground.prepare(self._prepare, loses_ledger=self.scene.loses_ledger)
        return self

    async def _prepare(self, world: World) -> None:
        await self.scene.prepare(world, self.kept)
        await self.kept.look(world)

    async def calls(self, *, and_a_pass: bool = False) -> Calls:
        """The port calls that the verb makes when nothing goes wrong."""
        plan = FaultPlan(at=-1, kind=FaultKind.HANG, then={-1: FaultKind.HANG} if and_a_pass else {})
        async with self.ground.copy() as world:
            await self._crash(world).happen(plan)
        return plan.open_to

    async def suffer(self, plans: Iterable[FaultPlan], *, breaches: int = 1_000) -> Tally:
        """Crash once per plan, repair, and look, up to so many breaches. A plan whose faults do not strike is none."""
        tally = Tally()
        for plan in plans:
            if len(tally.breaches) == breaches:
                break
            breach = await self._breach(plan)
            struck = len(plan.struck) == 1 + len(plan.then)
            tally.faults += struck
            if breach and struck:
                tally.breaches.append(f"{self.scene.name}; {_told(plan)}: {breach}")
        return tally

    async def _breach(self, plan: FaultPlan) -> str | None:
        async with self.ground.copy() as world:
            crash = self._crash(world)
            try:
                await crash.happen(plan)
                if len(plan.struck) == 1 + len(plan.then):
                    await crash.repair()
                    if self.rests:
                        await crash.rest()
            except (BreachError, JournalKeysError) as breach:
                return f"{type(breach).__name__}: {breach}"
        return None

    def _crash(self, world: World) -> Crash:
        world.design = self.design
        return Crash(world=world, scene=self.scene, kept=self.kept)


def _told(plan: FaultPlan) -> str:
    strikes = {plan.at: plan.kind, **plan.then}
    return ", ".join(f"call {at} ({plan.calls[at]}): {kind.value}" for at, kind in strikes.items())


async def in_memory(scene: Scene) -> Tally:
    """All calls, all kinds."""
    trial = await Trial(ground=MemoryGround(), scene=scene).prepare()
    return await trial.suffer(every(await trial.calls()))


async def first_breach(scene: Scene, design: Design) -> list[str]:
    """What a wrong design breaks first."""
    trial = await Trial(ground=MemoryGround(), scene=scene, design=design).prepare()
    return (await trial.suffer(every(await trial.calls()), breaches=1)).breaches


async def on_disk(scene: Scene, folder: Path, *, all_kinds: bool) -> Tally:
    """All calls, on a SQLite file and a sealed vault; all kinds at each call, or all kinds and all calls at least once.

    With all kinds, and in one scene without them, what has to wait is waited for, too.
    """
    rests = all_kinds or scene.name == _RESTED
    trial = await Trial(ground=DiskGround(folder), scene=scene, rests=rests).prepare()
    calls = await trial.calls()
    return await trial.suffer(every(calls) if all_kinds else one_each(calls))


async def in_pairs(scene: Scene, *, all_pairs: bool) -> Tally:
    """Two faults, the second one in the same run or in the pass that repairs the first."""
    trial = await Trial(ground=MemoryGround(), scene=scene).prepare()
    calls, with_pass = await trial.calls(), len(await trial.calls(and_a_pass=True))
    return await trial.suffer(every_pair(calls, with_pass) if all_pairs else some_pairs(calls, with_pass))


def scenes_of_pairs() -> list[Scene]:
    """Every rotation, init and compromise."""
    return [scene for scene in scenes() if scene.name.startswith(("rotate", "init", "compromise"))]


@dataclass(frozen=True, slots=True)
class _Task:
    """One scene of one part; it goes to another process by its names."""

    part: str
    scene: str
    nightly: bool

    def done(self) -> Tally:
        """Enumerate it."""
        return asyncio.run(self._enumerated(scene_named(self.scene)))

    async def _enumerated(self, scene: Scene) -> Tally:
        if self.part == "in memory":
            return await in_memory(scene)
        if self.part == "in pairs":
            return await in_pairs(scene, all_pairs=self.nightly)
        with tempfile.TemporaryDirectory() as folder:
            return await on_disk(scene, Path(folder), all_kinds=self.nightly)


def _tasks(*, nightly: bool, step: int) -> list[_Task]:
    parts = {"in pairs": scenes_of_pairs(), "on disk": list(scenes())[::step], "in memory": list(scenes())}
    return [_Task(part, scene.name, nightly) for part, found in parts.items() for scene in found]


def _all_parts(*, nightly: bool, step: int) -> dict[str, Tally]:
    tasks, parts = _tasks(nightly=nightly, step=step), dict[str, Tally]()
    for task, tally in zip(tasks, spread(_Task.done, tasks, over_processors=nightly), strict=True):
        parts.setdefault(task.part, Tally()).add(tally)
    return parts


def verdict(parts: Mapping[str, Tally]) -> Verdict:
    """Say what did not recover, and how much did."""
    total = Tally()
    for part in parts.values():
        total.add(part)
    lines = [*total.breaches[:20], *(f"{name}: {part}" for name, part in parts.items()), str(total)]
    return Verdict(lines=tuple(lines), holds=not total.breaches and total.faults > 0)


def run(*, nightly: bool, step: int = 1) -> Verdict:
    """Enumerate, on disk one scene in so many; nightly every pair too, and every kind at every call on disk."""
    return verdict(_all_parts(nightly=nightly, step=step))
