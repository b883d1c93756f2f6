"""Reconcile: whatever was left unfinished is finished, and in rest nothing happens."""

import pytest

from journal_keys.domain.keys import Family, KeyState
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import NotInitialised, Reconciled
from journal_keys.domain.paths import family_folder, versions_folder
from journal_keys.domain.rotation import Cause
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import POLICIES, W1, W2, World

FAMILIES = pytest.mark.parametrize("family", list(Family))


async def repairs(world: World, family: Family) -> tuple[str, ...]:
    outcome = await world.reconciled(family)
    assert isinstance(outcome, Reconciled)
    return outcome.repairs


@FAMILIES
async def test_in_rest_nothing_is_repaired_and_nothing_changes(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    assert await repairs(world, family) == ()
    assert await world.ring(family) == before


@FAMILIES
async def test_a_ring_that_was_never_made_is_not_made(family: Family) -> None:
    world = World()
    assert await world.reconciled(family) == NotInitialised(family=family)
    assert (await world.ledger.read(family)).ring is None


@FAMILIES
async def test_material_that_nobody_published_is_swept_once_it_is_old_enough(family: Family) -> None:
    world = await World().initialised(family)
    now = (await world.ledger.read(family)).now
    orphan = await world.make_key(POLICIES[family], Cause(at=now, actor="test", reason="died"))
    assert await repairs(world, family) == ()
    world.clock.pass_time(W1)
    assert await repairs(world, family) == (f"swept {orphan.kid}",)
    assert orphan.kid not in (await world.store.read_folder(versions_folder(family))).secrets
    assert (await world.ring(family)).get(orphan.kid).state is KeyState.DESTROYED
    assert await repairs(world, family) == ()


@FAMILIES
async def test_a_late_write_of_swept_material_is_deleted_again_and_never_used(family: Family) -> None:
    world = await World().initialised(family)
    now = (await world.ledger.read(family)).now
    orphan = await world.make_key(POLICIES[family], Cause(at=now, actor="test", reason="died"))
    path = versions_folder(family).child(orphan.kid)
    line = (await world.store.read_folder(path.folder)).secrets[orphan.kid]
    world.clock.pass_time(W1)
    await repairs(world, family)
    await world.store.put_new(path, line)
    assert await repairs(world, family) == (f"swept {orphan.kid}",)


@FAMILIES
async def test_a_staged_key_without_material_is_withdrawn_and_replaced(family: Family) -> None:
    world = await World().initialised(family)
    lost = (await world.ring(family)).staged
    assert lost is not None
    await world.store.delete(versions_folder(family).child(lost.kid))
    done = await repairs(world, family)
    ring = await world.ring(family)
    assert f"withdrew {lost.kid}" in done
    assert ring.staged is not None
    assert ring.staged.kid != lost.kid
    assert await repairs(world, family) == ()


@FAMILIES
async def test_a_staged_key_with_altered_material_is_withdrawn_and_never_promoted(family: Family) -> None:
    world = await World().initialised(family)
    staged = (await world.ring(family)).staged
    assert staged is not None
    await world.store.overwrite({versions_folder(family).child(staged.kid): KeyMaterial(b"altered")})
    assert f"withdrew {staged.kid}" in await repairs(world, family)


@FAMILIES
async def test_one_bad_answer_of_the_store_does_not_end_a_staged_key(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    plan = FaultPlan(at=0, kind=FaultKind.GARBAGE)
    other = World(clock=world.clock, store=plan.wrap(world.store), shared_ledger=world.ledger, seed=2)
    assert await repairs(other, family) == ()
    assert plan.has_struck
    assert await world.ring(family) == before


@FAMILIES
async def test_altered_projections_are_written_again_and_never_believed(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    name = {"jwt": "current_private_key", "aes": "active_kid"}[family]
    path = family_folder(family).child(name)
    held = (await world.store.read_folder(path.folder)).secrets[name]
    await world.store.overwrite({path: KeyMaterial(b"somebody else's")})
    assert await repairs(world, family) == ("projected 1 names",)
    assert (await world.store.read_folder(path.folder)).secrets[name].same_as(held)
    assert await world.ring(family) == before


async def test_signing_keys_past_their_last_token_are_retired() -> None:
    world = await World().initialised(Family.JWT)
    old = (await world.ring(Family.JWT)).active.kid
    await world.rotated(Family.JWT)
    world.clock.pass_time(W2)
    assert f"retired {old}" in await repairs(world, Family.JWT)


async def test_a_foreign_secret_among_the_material_is_left_alone() -> None:
    world = await World().initialised(Family.JWT)
    foreign = versions_folder("jwt").child("somebody_elses")
    await world.store.put_new(foreign, KeyMaterial(b"not material"))
    world.clock.pass_time(W1)
    assert await repairs(world, Family.JWT) == ()
    assert "somebody_elses" in (await world.store.read_folder(foreign.folder)).secrets
