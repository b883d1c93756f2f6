"""What reconcile does, in full: the repairs in words, their audit, and rivals that come between."""

from datetime import timedelta

import pytest

from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import Reconciled
from journal_keys.domain.paths import MARKER_NAME, compromised_folder, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.secret_store import SecretHiddenError
from tests.support.contested_ledger import contested_world, told, touch
from tests.support.world import POLICIES, START, W1, W2, World

J, A = Family.JWT, Family.AES
FAMILIES = pytest.mark.parametrize("family", list(Family))
TICK = timedelta(microseconds=1)


async def kids(world: World, family: Family) -> tuple[Kid, Kid]:
    ring = await world.ring(family)
    assert ring.staged is not None
    return ring.active.kid, ring.staged.kid


async def repairs(world: World, family: Family) -> tuple[str, ...]:
    outcome = await world.reconciled(family)
    assert isinstance(outcome, Reconciled)
    assert outcome.family is family
    return outcome.repairs


async def orphan(world: World, family: Family) -> Kid:
    now = (await world.ledger.read(family)).now
    return (await world.make_key(POLICIES[family], Cause(at=now, actor="test", reason="died"))).kid


@FAMILIES
async def test_a_waiting_rotation_is_finished_and_everything_after_it(family: Family) -> None:
    world = await World().initialised(family)
    await world.rotated(family, "first")
    _, staged = await kids(world, family)
    await world.rotated(family, "second")
    assert await repairs(world, family) == ()
    world.clock.pass_time(W1)
    assert await repairs(world, family) == (f"promoted {staged}",)


@FAMILIES
async def test_a_lost_staged_key_is_withdrawn_replaced_and_audited(family: Family) -> None:
    world = await World().initialised(family)
    _, lost = await kids(world, family)
    await world.store.delete(versions_folder(family).child(lost))
    before = await world.verify_audit()
    done = await repairs(world, family)
    _, staged = await kids(world, family)
    assert done == (f"withdrew {lost}", "projected 2 names", f"staged {staged}", "projected 2 names")
    assert await told(world, after=before.sequence) == [
        ("key_destroyed", lost, "reconcile", "its material is gone or altered"),
        ("key_published", staged, "reconcile", "unfinished work"),
    ]


@FAMILIES
async def test_an_orphan_is_swept_w1_after_its_making_and_not_a_tick_before(family: Family) -> None:
    world = await World().initialised(family)
    kid = await orphan(world, family)
    world.clock.pass_time(W1 - TICK)
    assert await repairs(world, family) == ()
    world.clock.pass_time(TICK)
    before = await world.verify_audit()
    assert await repairs(world, family) == (f"swept {kid}",)
    assert await told(world, after=before.sequence) == [("orphan_condemned", kid, "reconcile", "published by nobody")]
    row = (await world.ring(family)).get(kid)
    assert (row.state, row.since, row.created_at) == (KeyState.DESTROYED, START + W1 + W1, START + W1)


async def test_an_orphan_is_described_by_its_own_material() -> None:
    world = await World().initialised(J)
    now = (await world.ledger.read(J)).now
    made = await world.make_key(POLICIES[J], Cause(at=now, actor="test", reason="died"))
    world.clock.pass_time(W1)
    await world.reconciled(J)
    row = (await world.ring(J)).get(made.kid)
    assert (row.digest, row.public_jwk, row.algorithm) == (made.digest, made.public_jwk, made.algorithm)


async def test_material_under_another_name_or_of_another_ring_is_left_alone() -> None:
    world = await World().initialised()
    kid = await orphan(world, A)
    line = (await world.store.read_folder(versions_folder(A))).secrets[kid]
    await world.store.put_new(versions_folder(A).child("another_name"), line)
    await world.store.put_new(versions_folder(J).child(kid), line)
    await world.store.put_new(versions_folder(A).child("no_material"), KeyMaterial(b"no material"))
    world.clock.pass_time(W1)
    assert await repairs(world, A) == (f"swept {kid}",)
    assert await repairs(world, J) == ()
    assert {"another_name", "no_material"} <= (await world.store.read_folder(versions_folder(A))).secrets.keys()


async def test_a_rival_s_change_ends_a_sweep_and_the_next_pass_does_it() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    kid = await orphan(world, J)
    world.clock.pass_time(W1)
    contest.rivals = [(J, touch)]
    assert await repairs(world, J) == ()
    assert await repairs(world, J) == (f"swept {kid}",)


async def test_a_rival_s_change_ends_a_withdrawal_and_the_next_pass_does_it() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    _, lost = await kids(world, J)
    await world.store.delete(versions_folder(J).child(lost))
    contest.rivals = [(J, touch)]
    assert f"withdrew {lost}" not in await repairs(world, J)
    assert f"withdrew {lost}" in await repairs(world, J)


@pytest.mark.parametrize(("family", "again"), [(J, True), (A, False)])
async def test_a_compromise_without_its_tombstone_gets_it(family: Family, again: bool) -> None:  # noqa: FBT001
    world = await World().initialised(family)
    active, _ = await kids(world, family)
    line = (await world.store.read_folder(versions_folder(family))).secrets[active]
    await world.compromise(family, active, actor="test", reason="leaked")
    assert await repairs(world, family) == ()
    await world.store.delete(compromised_folder(family).child(active))
    assert await repairs(world, family) == (f"entombed {active}",)
    assert active in (await world.store.read_folder(compromised_folder(family))).secrets
    await world.store.overwrite({versions_folder(family).child(active): line})
    assert await repairs(world, family) == ((f"entombed {active}",) if again else ())


async def test_a_hidden_folder_of_tombstones_is_not_an_empty_one() -> None:
    world = await World().initialised(J)
    active, _ = await kids(world, J)
    await world.compromise(J, active, actor="test", reason="leaked")
    await world.store.delete(compromised_folder(J).child(MARKER_NAME))
    with pytest.raises(SecretHiddenError):
        await world.reconciled(J)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    with pytest.raises(SecretHiddenError):
        await rebuilt.recover(J, actor="test", reason="ledger lost")


async def test_a_key_past_its_last_token_is_retired_with_its_reason() -> None:
    world = await World().initialised(J)
    old, _ = await kids(world, J)
    await world.rotated(J)
    world.clock.pass_time(W2)
    before = await world.verify_audit()
    assert await repairs(world, J) == (f"retired {old}",)
    assert await told(world, after=before.sequence) == [("key_destroyed", old, "reconcile", "past its last token")]
