"""A crash, a lost answer or a kill at any port call is repaired by one pass, and no key in use is lost."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.outcomes import Reconciled
from journal_keys.domain.paths import MARKER_NAME, versions_folder
from tests.support.fault_plan import FaultKind, FaultPlan, ProcessDied
from tests.support.world import POLICIES, W1, W2, WINDOWS, World

Verb = Callable[[World], Awaitable[object]]


async def rotate_jwt(world: World) -> object:
    return await world.rotated(Family.JWT, "crashed")


async def rotate_aes(world: World) -> object:
    return await world.rotated(Family.AES, "crashed")


async def compromise_active(world: World) -> object:
    kid = (await world.ring(Family.AES)).active.kid
    return await world.compromise(Family.AES, kid, actor="test", reason="leaked")


async def retire_old(world: World) -> object:
    world.clock.pass_time(W2)
    return await world.retire(Family.JWT, actor="test", reason="old")


async def reconcile_all(world: World) -> object:
    return [await world.reconciled(family) for family in Family]


VERBS = {
    "rotate jwt": rotate_jwt,
    "rotate aes": rotate_aes,
    "compromise": compromise_active,
    "retire": retire_old,
    "reconcile": reconcile_all,
}
KINDS = [
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.CANCEL_BEFORE,
    FaultKind.CANCEL_AFTER,
    FaultKind.DEATH_BEFORE,
    FaultKind.DEATH_AFTER,
]


async def lived_in(clockwork: World) -> World:
    """A world in rest whose jwt ring has one DEACTIVATED key."""
    world = await clockwork.initialised()
    await world.rotated(Family.JWT, "earlier")
    world.clock.pass_time(W1)
    return world


def beside(world: World, plan: FaultPlan) -> World:
    """Another process on the same store and ledger, whose port calls follow the plan."""
    return World(
        clock=world.clock,
        store=plan.wrap(world.store),
        shared_ledger=plan.wrap(world.ledger),
        seed=77,
    )


async def check_at_rest(world: World, usable_before: dict[Family, set[Kid]]) -> None:
    for family in Family:
        first = await world.reconciled(family)
        assert isinstance(first, Reconciled)
        world.clock.pass_time(W1)
        second = await world.reconciled(family)
        third = await world.reconciled(family)
        assert isinstance(second, Reconciled)
        assert third == Reconciled(family=family, repairs=())
        ring = await world.ring(family)
        assert ring.staged is not None
        held = (await world.store.read_folder(versions_folder(family))).secrets.keys() - {MARKER_NAME}
        living = {version.kid for version in ring.accepted}
        assert living <= held
        gone = {version.kid for version in ring.in_states(KeyState.COMPROMISED, KeyState.DESTROYED)}
        assert usable_before[family] <= living | gone
    await world.verify_audit()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
async def test_a_fault_at_any_port_call_is_repaired_by_one_pass(verb: Verb, kind: FaultKind) -> None:
    index = 0
    while True:
        world = await lived_in(World())
        before = {family: {v.kid for v in (await world.ring(family)).accepted} for family in Family}
        plan = FaultPlan(at=index, kind=kind)
        process = beside(world, plan)
        with contextlib.suppress(JournalKeysError, ProcessDied, asyncio.CancelledError):
            await verb(process)
        if not plan.has_struck:
            break
        await check_at_rest(world, before)
        index += 1
    assert index >= 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
async def test_an_init_that_dies_at_any_port_call_is_finished_by_the_next(kind: FaultKind) -> None:
    index = 0
    while True:
        clock = World().clock
        whole = World(store=MemorySecretStore(), shared_ledger=MemoryLedger(clock, WINDOWS.skew), clock=clock)
        plan = FaultPlan(at=index, kind=kind)
        process = beside(whole, plan)
        with contextlib.suppress(JournalKeysError, ProcessDied, asyncio.CancelledError):
            await process.init(POLICIES[Family.AES], actor="test", reason="dies")
        if not plan.has_struck:
            break
        await whole.init(POLICIES[Family.AES], actor="test", reason="again")
        await whole.reconciled(Family.AES)
        ring = await whole.ring(Family.AES)
        assert ring.staged is not None
        held = (await whole.store.read_folder(versions_folder("aes"))).secrets
        assert {ring.active.kid, ring.staged.kid} <= held.keys()
        index += 1
    assert index > 5
