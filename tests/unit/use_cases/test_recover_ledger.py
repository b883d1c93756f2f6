"""A lost ledger is rebuilt from the store, and every key that could verify or decrypt still can."""

from datetime import timedelta

import pytest

from journal_keys.domain.errors import UnknownKeyError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import AlreadyInitialised, NothingToRecover, Reconciled, Recovered
from journal_keys.domain.paths import (
    MARKER_NAME,
    MARKER_VALUE,
    PROJECTION_NAMES,
    compromised_folder,
    family_folder,
    owned_folders,
    versions_folder,
)
from journal_keys.domain.rotation import Cause
from journal_keys.ports.secret_store import SecretHiddenError
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.imported import admitted, aes_json, foreign_keys
from tests.support.world import POLICIES, W1, World

FAMILIES = pytest.mark.parametrize("family", list(Family))


async def used(family: Family) -> World:
    world = await World().initialised(family)
    for name in ("first", "second"):
        await world.rotated(family, name)
        world.clock.pass_time(W1)
    return world


@FAMILIES
async def test_the_rebuilt_ring_accepts_every_key_and_signs_with_the_one_of_before(family: Family) -> None:
    world = await used(family)
    before = await world.ring(family)
    assert before.staged is not None
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    outcome = await rebuilt.recover(family, actor="test", reason="disk died")
    ring = await rebuilt.ring(family)
    assert isinstance(outcome, Recovered)
    assert {version.kid for version in ring.accepted} == {version.kid for version in before.accepted}
    assert ring.active.kid == before.active.kid
    assert ring.staged is not None
    assert ring.staged.kid == before.staged.kid
    assert ring.generation > before.generation
    assert {v.kid: v.digest for v in ring.versions} == {v.kid: v.digest for v in before.accepted}


@FAMILIES
async def test_the_staged_key_of_a_rebuilt_ring_waits_for_the_gate_again(family: Family) -> None:
    world = await used(family)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    await rebuilt.recover(family, actor="test", reason="disk died")
    ring = await rebuilt.ring(family)
    assert ring.staged is not None
    assert ring.staged.published_at == ring.changed_at


async def test_a_ring_that_is_there_is_not_rebuilt() -> None:
    world = await used(Family.JWT)
    before = await world.ring(Family.JWT)
    outcome = await world.recover(Family.JWT, actor="test", reason="by mistake")
    assert isinstance(outcome, AlreadyInitialised)
    assert await world.ring(Family.JWT) == before


async def test_a_store_without_our_marker_is_hidden_not_empty() -> None:
    with pytest.raises(SecretHiddenError):
        await World().recover(Family.JWT, actor="test", reason="?")


async def test_a_marked_store_without_keys_gives_nothing() -> None:
    world = World()
    for folder in owned_folders("jwt"):
        await world.store.put_new(folder.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
    assert await world.recover(Family.JWT, actor="test", reason="?") == NothingToRecover(family=Family.JWT)


async def test_the_operator_may_choose_the_active_key() -> None:
    world = await used(Family.AES)
    oldest = (await world.ring(Family.AES)).versions[0].kid
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    await rebuilt.recover(Family.AES, actor="test", reason="disk died", active=oldest)
    assert (await rebuilt.ring(Family.AES)).active.kid == oldest


async def test_a_chosen_key_that_is_not_there_is_refused_and_nothing_is_made() -> None:
    world = await used(Family.AES)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    with pytest.raises(UnknownKeyError, match="aes_nobody"):
        await rebuilt.recover(Family.AES, actor="test", reason="?", active=Kid("aes_nobody"))
    assert (await rebuilt.ledger.read(Family.AES)).ring is None


async def test_damaged_material_is_named_and_left_where_it_is() -> None:
    world = await used(Family.AES)
    oldest = (await world.ring(Family.AES)).versions[0].kid
    await world.store.overwrite({versions_folder("aes").child(oldest): KeyMaterial(b"damaged")})
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    outcome = await rebuilt.recover(Family.AES, actor="test", reason="disk died")
    assert isinstance(outcome, Recovered)
    assert outcome.unusable == (oldest,)


async def test_a_projection_that_failed_is_told_and_the_ring_is_rebuilt() -> None:
    lost = await World().initialised(Family.AES)
    calls = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    clock = lost.clock
    await World(clock=clock, store=calls.wrap(lost.store)).recover(Family.AES, actor="test", reason="lost")
    plan = FaultPlan(at=len(calls.calls) - 1, kind=FaultKind.ERROR_BEFORE)
    world = World(clock=clock, store=plan.wrap(lost.store))
    outcome = await world.recover(Family.AES, actor="test", reason="lost")
    assert isinstance(outcome, Recovered)
    assert outcome.unfinished == "planned: no answer"
    assert (await world.ring(Family.AES)).active.kid == outcome.active_kid


@FAMILIES
async def test_a_half_buried_key_is_buried_wholly_by_the_pass_after_the_ledger_was_rebuilt(family: Family) -> None:
    world = await used(family)
    kid = (await world.ring(family)).active.kid
    path = versions_folder(family).child(kid)
    line = (await world.store.read_folder(path.folder)).secrets[kid]
    await world.compromise(family, kid, actor="test", reason="leaked")
    await world.store.put_new(path, line)
    world.clock.pass_time(W1)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    await rebuilt.recover(family, actor="test", reason="disk died")
    await rebuilt.reconciled(family)
    assert (await rebuilt.ring(family)).get(kid).state is KeyState.COMPROMISED
    assert (kid in (await world.store.read_folder(path.folder)).secrets) is (family is Family.AES)
    assert await rebuilt.reconciled(family) == Reconciled(family=family, repairs=())


async def test_imported_keys_that_only_read_do_not_come_into_use_where_others_are() -> None:
    world = await used(Family.AES)
    before = await world.ring(Family.AES)
    at = world.clock.read().wall
    await admitted(world, Family.AES, *foreign_keys(world).aes_keys(aes_json("old_1", "old-2"), created_at=at))
    world.clock.pass_time(W1)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    await rebuilt.recover(Family.AES, actor="test", reason="disk died")
    ring = await rebuilt.ring(Family.AES)
    assert before.staged
    assert (ring.active.kid, ring.staged and ring.staged.kid) == (before.active.kid, before.staged.kid)


async def orphan(world: World, family: Family) -> Kid:
    """A key that a crash left: it was put, and no ring ever had it."""
    cause = Cause(at=world.clock.read().wall, actor="test", reason="a crash came")
    return (await world.make_key(POLICIES[family], cause)).kid


async def rebuilt(world: World, family: Family) -> KeyRing:
    after = World(clock=world.clock, store=world.store, seed=9)
    await after.recover(family, actor="test", reason="disk died")
    return await after.ring(family)


@FAMILIES
async def test_keys_that_were_never_published_come_into_use_in_no_rebuilt_ring(family: Family) -> None:
    world = await used(family)
    before = await world.ring(family)
    orphans = []
    for _ in range(2):
        world.clock.pass_time(timedelta(seconds=15))
        orphans.append(await orphan(world, family))
    world.clock.pass_time(W1)
    ring = await rebuilt(world, family)
    assert (ring.active.kid, ring.staged and ring.staged.kid) == (
        before.active.kid,
        before.staged and before.staged.kid,
    )
    assert {ring.get(kid).state for kid in orphans} == {KeyState.DEACTIVATED}


@FAMILIES
async def test_names_that_are_a_rotation_behind_make_a_ring_that_reads_all_that_was_made(family: Family) -> None:
    world = await used(family)
    old = await world.ring(family)
    names = (await world.store.read_folder(family_folder(family))).secrets
    await world.rotated(family, "third")
    world.clock.pass_time(W1)
    before = await world.ring(family)
    await world.store.overwrite({family_folder(family).child(name): value for name, value in names.items()})
    ring = await rebuilt(world, family)
    assert (ring.active.kid, ring.staged and ring.staged.kid) == (old.active.kid, old.staged and old.staged.kid)
    assert {version.kid for version in ring.accepted} == {version.kid for version in before.accepted}


@FAMILIES
@pytest.mark.parametrize("names", ["damaged", "deleted"])
async def test_names_that_show_nothing_leave_the_choice_to_age(family: Family, names: str) -> None:
    world = await used(family)
    before = await world.ring(family)
    for name in PROJECTION_NAMES[family]:
        path = family_folder(family).child(name)
        await (
            world.store.overwrite({path: KeyMaterial(b"[damaged")}) if names == "damaged" else world.store.delete(path)
        )
    ring = await rebuilt(world, family)
    assert (ring.active.kid, ring.staged and ring.staged.kid) == (
        before.active.kid,
        before.staged and before.staged.kid,
    )


@FAMILIES
async def test_a_key_with_a_tombstone_is_followed_by_one_that_the_names_show(family: Family) -> None:
    world = await used(family)
    before = await world.ring(family)
    unpublished = {await orphan(world, family), await orphan(world, family)}
    world.clock.pass_time(W1)
    await world.store.put_new(compromised_folder(family).child(before.active.kid), KeyMaterial(b"compromised"))
    ring = await rebuilt(world, family)
    assert ring.get(before.active.kid).state is KeyState.COMPROMISED
    assert ring.active.kid not in unpublished


@FAMILIES
async def test_names_that_are_hidden_refuse_unless_the_operator_chooses(family: Family) -> None:
    world = await used(family)
    kid = (await world.ring(family)).active.kid
    await world.store.delete(family_folder(family).child(MARKER_NAME))
    after = World(clock=world.clock, store=world.store, seed=9)
    with pytest.raises(SecretHiddenError):
        await after.recover(family, actor="test", reason="disk died")
    assert (await after.ledger.read(family)).ring is None
    outcome = await after.recover(family, actor="test", reason="disk died", active=kid)
    assert isinstance(outcome, Recovered)
    assert outcome.active_kid == kid
