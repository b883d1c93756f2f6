"""A fault at every child and every request of a verb whose keys are in Infisical, then one pass: nothing is lost.

The child is killed before it starts, or after its effect and before its answer; a request gets no answer, its effect
done or not done, and what the CLI would have sent after it is not sent.
"""

import asyncio
import copy
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final

from journal_keys.domain.errors import JournalKeysError
from tests.proof.crashes import Tally
from tests.proof.spread import spread
from tests.proof.verdict import Verdict
from tests.support.crash import Crash
from tests.support.crash_rules import BreachError
from tests.support.crash_scenes import Scene, scene_named, scenes
from tests.support.crash_worlds import Kept
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.grounds import MemoryGround
from tests.support.infisical.misdeeds import Deed, Misdeed
from tests.support.infisical.programs import a_binary
from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.shelf_store import ShelfStore
from tests.support.infisical.stores import connection, opened
from tests.support.world import Design, World, ours

_WRAPPER: Final = """#!/bin/sh
if [ "$1" = --version ]; then exec '{real}' "$@"; fi
read -r kind at <'{control}/fault'
echo "$1 $2" >>'{control}/children'
if [ "$(wc -l <'{control}/children')" -eq "$at" ]; then
    if [ "$kind" = after ]; then '{real}' "$@" >/dev/null 2>&1; fi
    kill -KILL $$
fi
exec '{real}' "$@"
"""


class ChildFault(Enum):
    """What may happen to a child, or to one of its requests."""

    KILLED_BEFORE_START = "before"
    KILLED_AFTER_EFFECT = "after"
    NO_ANSWER_NOT_DONE = "request dropped before its effect"
    NO_ANSWER_DONE = "request dropped after its effect"


_OF_CHILDREN: Final = (ChildFault.KILLED_BEFORE_START, ChildFault.KILLED_AFTER_EFFECT)
_OF_REQUESTS: Final = {
    ChildFault.NO_ANSWER_NOT_DONE: Deed.DROP_BEFORE,
    ChildFault.NO_ANSWER_DONE: Deed.DROP_AFTER,
}


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault at child or request number `at`, from 0."""

    fault: ChildFault
    at: int


@dataclass(slots=True, kw_only=True)
class Scenery:
    """A server as the crash finds it, and the way there."""

    world: World
    server: InfisicalServer
    control: Path

    def arm(self, strike: Strike | None) -> Misdeed | None:
        """Let this one strike from now on; None lets all go well."""
        (self.control / "children").write_text("")
        self.server.behave()
        self.server.requests.clear()
        is_of_child = strike is not None and strike.fault in _OF_CHILDREN
        word = f"{strike.fault.value} {strike.at + 1}" if strike and is_of_child else "none 0"
        (self.control / "fault").write_text(word + "\n")
        if strike is None or is_of_child:
            return None
        return self.server.misbehave(_OF_REQUESTS[strike.fault], "", "/api", skip=strike.at, times=1)

    @property
    def children(self) -> int:
        """How many were started since."""
        return len((self.control / "children").read_text().splitlines())


class InfisicalGround:
    """The world that a verb finds: a ledger in memory, keys in the stand-in server, reached through a child."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = MemoryGround()
        self._real = a_binary(folder)

    async def prepare(self, scene: Scene, kept: Kept) -> None:
        """Make it once."""

        async def make(world: World) -> None:
            with InfisicalServer() as server:
                world.store = ShelfStore(server.shelves)
                beside = world.beside()
                await scene.prepare(beside, kept)
                await kept.look(beside)
                self._shelves = server.shelves

        await self._memory.prepare(make, loses_ledger=scene.loses_ledger)

    @asynccontextmanager
    async def copy(self) -> AsyncIterator[Scenery]:
        """Give a copy of it."""
        control = Path(tempfile.mkdtemp(dir=self._folder))
        wrapper = control / "infisical"
        wrapper.write_text(_WRAPPER.format(real=self._real, control=control))
        wrapper.chmod(0o755)
        with InfisicalServer() as server:
            server.shelves = copy.deepcopy(self._shelves)
            clock, ledger = self._memory.ledger_copy()
            async with opened(connection(server, wrapper, retries=0)) as made:
                made.caller.breaker.first_rest_s = made.caller.breaker.longest_rest_s = 0
                world = World(clock=clock, store=ShelfStore(server.shelves), shared_ledger=ledger, remote=made.store)
                yield Scenery(world=world, server=server, control=control)


async def enumerate_faults(
    scene: Scene, *, most: int | None = None, design: Design = ours, breaches: int = 1_000
) -> Tally:
    """Strike at each child and request of this verb, or at about so many of them, up to so many breaches."""
    with tempfile.TemporaryDirectory(prefix="journal-keys-children-") as folder:
        ground, kept = InfisicalGround(Path(folder)), Kept(scene.family)
        await ground.prepare(scene, kept)
        async with ground.copy() as scenery:
            scenery.arm(None)
            await Crash(world=scenery.world, scene=scene, kept=kept).happen(_NO_FAULT())
            strikes = list(_strikes(scenery.children, len(scenery.server.requests)))
        tally = Tally()
        for strike in strikes[:: max(1, len(strikes) // most) if most else 1]:
            if len(tally.breaches) == breaches:
                break
            breach = await _breach(ground, scene, kept, strike, design)
            tally.faults += 1
            if breach:
                tally.breaches.append(f"{scene.name}; {strike}: {breach}")
    return tally


def _strikes(children: int, requests: int) -> Iterator[Strike]:
    for fault in ChildFault:
        for at in range(children if fault in _OF_CHILDREN else requests):
            yield Strike(fault, at)


async def _breach(ground: InfisicalGround, scene: Scene, kept: Kept, strike: Strike, design: Design) -> str | None:
    async with ground.copy() as scenery:
        scenery.world.design = design
        crash = Crash(world=scenery.world, scene=scene, kept=kept)
        try:
            misdeed = scenery.arm(strike)
            await crash.happen(_NO_FAULT())
            if misdeed is not None and not misdeed.done:
                return "it did not strike"
            scenery.arm(None)
            await crash.repair()
            await crash.rest()
        except (BreachError, JournalKeysError) as breach:
            return f"{type(breach).__name__}: {breach}"
    return None


_NO_FAULT: Final[Callable[[], FaultPlan]] = lambda: FaultPlan(at=-1, kind=FaultKind.HANG)  # noqa: E731 (a plan a run)
MOST: Final = 4
SHORT: Final = ("rotate jwt", "init aes", "compromise the ACTIVE jwt key")


def scenes_over_children(*, nightly: bool) -> list[Scene]:
    """One rotation, init and compromise; nightly all verbs."""
    return [scene for scene in scenes() if nightly or scene.name in SHORT]


def _enumerated(name: str, *, most: int | None) -> Tally:
    """One scene; it goes to another process by its name."""
    return asyncio.run(enumerate_faults(scene_named(name), most=most))


def run(*, nightly: bool, most: int = MOST) -> Verdict:
    """Enumerate; the short form takes a few of each verb."""
    names = [scene.name for scene in scenes_over_children(nightly=nightly)]
    total = Tally()
    for tally in spread(partial(_enumerated, most=None if nightly else most), names, over_processors=nightly):
        total.add(tally)
    return Verdict(lines=(*total.breaches[:20], f"children: {total}"), holds=not total.breaches and total.faults > 0)
