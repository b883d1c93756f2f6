"""Retirement: the answer in full, its audit, and a rival that comes between."""

from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import (
    NothingToRetire,
    Retired,
)
from journal_keys.domain.paths import versions_folder
from tests.support.contested_ledger import contested_world, told, touch
from tests.support.heard import Heard
from tests.support.world import START, W1, W2, World

J = Family.JWT


async def kids(world: World, family: Family = J) -> tuple[Kid, Kid]:
    ring = await world.ring(family)
    assert ring.staged is not None
    return ring.active.kid, ring.staged.kid


async def test_a_retirement_is_answered_audited_and_hinted() -> None:
    hints = Heard()
    world = await World(hints=hints).initialised(J)
    old, _ = await kids(world)
    assert await world.retire(J, actor="test", reason="?") == NothingToRetire(family=J, next_at=None)
    await world.rotated(J)
    assert await world.retire(J, actor="test", reason="?") == NothingToRetire(family=J, next_at=START + W1 + W2)
    world.clock.pass_time(W2)
    before = await world.verify_audit()
    hints.told.clear()
    outcome = await world.retire(J, actor="operator:alice", reason="old")
    assert outcome == Retired(family=J, kids=(old,), generation=(await world.ring(J)).generation)
    assert await told(world, after=before.sequence) == [("key_destroyed", old, "operator:alice", "old")]
    assert hints.told == [(J, outcome.generation)]


async def test_no_ring_nothing_to_retire() -> None:
    assert await World().retire(J, actor="test", reason="?") == NothingToRetire(family=J, next_at=None)


async def test_a_rival_s_change_ends_a_retirement_and_nothing_is_deleted() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    old, _ = await kids(world)
    await world.rotated(J)
    world.clock.pass_time(W2)
    contest.rivals = [(J, touch)]
    outcome = await world.retire(J, actor="test", reason="old")
    assert outcome == NothingToRetire(family=J, next_at=START + W1 + W2)
    assert old in (await world.store.read_folder(versions_folder(J))).secrets
