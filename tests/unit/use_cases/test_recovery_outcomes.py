"""What recover does, in full: which key signs, what stays buried, what is left where it is."""

from datetime import timedelta

import pytest

from journal_keys.domain.errors import UnknownKeyError
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.outcomes import AlreadyInitialised, Reconciled, Recovered
from journal_keys.domain.paths import PROJECTION_NAMES, family_folder, versions_folder
from journal_keys.domain.rotation import Cause
from tests.support.contested_ledger import ContestedLedger, told
from tests.support.world import POLICIES, START, W1, World

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


async def lived(family: Family) -> World:
    world = await World().initialised(family)
    await world.rotated(family, "first")
    world.clock.pass_time(W1)
    return world


@FAMILIES
async def test_a_recovery_is_answered_and_audited_in_full(family: Family) -> None:
    world = await lived(family)
    before = await world.ring(family)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    outcome = await rebuilt.recover(family, actor="operator:alice", reason="disk died")
    ring = await rebuilt.ring(family)
    generation = int((START + 2 * W1).timestamp())
    assert isinstance(outcome, Recovered)
    assert outcome == Recovered(
        family=family, active_kid=before.active.kid, kids=outcome.kids, unusable=(), generation=generation
    )
    assert set(outcome.kids) == {version.kid for version in before.versions}
    assert (ring.generation, ring.changed_at) == (generation, START + 2 * W1)
    assert {v.kid: (v.created_at, v.public_jwk) for v in ring.versions} == {
        v.kid: (v.created_at, v.public_jwk) for v in before.versions
    }
    assert {fact[2:] for fact in await told(rebuilt)} == {("operator:alice", "disk died")}
    again = await rebuilt.recover(family, actor="test", reason="?")
    assert again == AlreadyInitialised(family=family, active_kid=before.active.kid, generation=generation)
    assert await repairs(rebuilt, family) == ()


async def test_a_buried_key_stays_compromised_as_of_the_recovery() -> None:
    world = await lived(A)
    old = (await world.ring(A)).versions[0].kid
    await world.compromise(A, old, actor="test", reason="leaked")
    world.clock.pass_time(timedelta(hours=1))
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    await rebuilt.recover(A, actor="test", reason="disk died")
    row = (await rebuilt.ring(A)).get(old)
    assert (row.state, row.since) == (KeyState.COMPROMISED, START + 2 * W1 + timedelta(hours=1))


async def test_material_from_the_future_counts_as_made_now() -> None:
    world = await lived(A)
    rebuilt = World(store=world.store, seed=9)
    await rebuilt.recover(A, actor="test", reason="another clock")
    ring = await rebuilt.ring(A)
    assert {version.created_at for version in ring.versions} == {START}


async def test_a_key_in_use_whose_material_is_from_the_future_counts_as_published_now() -> None:
    world = await lived(A)
    await world.rotated(A, "second")
    in_use = (await world.ring(A)).active
    assert in_use.created_at > START
    rebuilt = World(store=world.store, seed=9)
    await rebuilt.recover(A, actor="test", reason="another clock")
    assert (await rebuilt.ring(A)).get(in_use.kid).published_at == START


@FAMILIES
async def test_a_recovery_whose_answer_was_lost_is_settled_by_the_ledger(family: Family) -> None:
    world = await lived(family)
    ledger = ContestedLedger(world.clock)
    ledger.contest.answers_lost = 1
    rebuilt = World(clock=world.clock, store=world.store, shared_ledger=ledger, seed=9)
    outcome = await rebuilt.recover(family, actor="test", reason="disk died")
    ring = await rebuilt.ring(family)
    assert isinstance(outcome, Recovered)
    assert (outcome.active_kid, outcome.kids) == (ring.active.kid, tuple(version.kid for version in ring.versions))


@pytest.mark.parametrize(
    ("age", "chosen"), [(W1, "second"), (W1 - TICK, "first")], ids=["W1 after its making", "a tick before"]
)
async def test_without_names_the_newest_key_that_everybody_knows_becomes_active(age: timedelta, chosen: str) -> None:
    world = await World().initialised(A)
    for name in PROJECTION_NAMES[A]:
        await world.store.delete(family_folder(A).child(name))
    world.clock.pass_time(timedelta(days=1))
    await world.store.delete(versions_folder(A).child((await kids(world, A))[1]))
    made = {"first": (await kids(world, A))[0]}
    for name in ("second", "newest"):
        made[name] = await orphan(world, A)
    world.clock.pass_time(age)
    by_age = [made["second"], made["newest"]]
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    outcome = await rebuilt.recover(A, actor="test", reason="disk died")
    assert isinstance(outcome, Recovered)
    older = min(by_age)
    assert outcome.active_kid == (older if chosen == "second" else made["first"])


async def test_a_single_young_key_becomes_active_because_there_is_no_other() -> None:
    world = await World().initialised(A)
    for kid in await kids(world, A):
        await world.store.delete(versions_folder(A).child(kid))
    only = await orphan(world, A)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    outcome = await rebuilt.recover(A, actor="test", reason="disk died")
    assert isinstance(outcome, Recovered)
    assert (outcome.active_kid, outcome.kids) == (only, (only,))


async def test_material_that_is_not_what_its_name_says_is_not_recovered() -> None:
    world = await lived(A)
    kid = (await world.ring(A)).active.kid
    line = (await world.store.read_folder(versions_folder(A))).secrets[kid]
    await world.store.put_new(versions_folder(A).child("another_name"), line)
    other = await World(seed=4).initialised(J)
    foreign = (await kids(other, J))[0]
    jwt_line = (await other.store.read_folder(versions_folder(J))).secrets[foreign]
    await world.store.put_new(versions_folder(A).child(foreign), jwt_line)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    outcome = await rebuilt.recover(A, actor="test", reason="disk died")
    assert isinstance(outcome, Recovered)
    assert outcome.unusable == tuple(sorted(("another_name", foreign)))


async def test_a_key_that_cannot_be_chosen_is_told_with_the_number_of_those_that_can() -> None:
    world = await lived(A)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    with pytest.raises(UnknownKeyError) as caught:
        await rebuilt.recover(A, actor="test", reason="?", active=Kid("aes_x"))
    assert str(caught.value) == "aes_x is not among the 3 keys that can be recovered"
