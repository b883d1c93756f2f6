"""Compromise: the key leaves every accept-list at once, and nothing revives it."""

from datetime import timedelta

import pytest

from journal_keys.domain.errors import TransitionError, UnknownKeyError
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.labels import OTHER
from journal_keys.domain.outcomes import AlreadyCompromised, Compromised
from journal_keys.domain.paths import compromised_folder, versions_folder
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import W1, W2, WINDOWS, World

FAMILIES = pytest.mark.parametrize("family", list(Family))


async def compromised(world: World, family: Family, kid: Kid) -> Compromised:
    outcome = await world.compromise(family, kid, actor="test", reason="seen on a paste site")
    assert isinstance(outcome, Compromised)
    return outcome


@FAMILIES
async def test_an_active_key_gives_way_to_the_staged_one_and_a_new_one_is_staged(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    assert before.staged is not None
    outcome = await compromised(world, family, before.active.kid)
    after = await world.ring(family)
    assert outcome.was is KeyState.ACTIVE
    assert outcome.active_kid == after.active.kid == before.staged.kid
    assert before.active.kid not in {version.kid for version in after.accepted}
    assert after.staged is not None
    assert world.meter.rotations == {(family, OTHER): 1}, "test is none of the known methods"


@FAMILIES
async def test_a_compromise_does_not_wait_for_the_gate_and_reports_who_may_not_know_the_successor(
    family: Family,
) -> None:
    world = await World().initialised(family)
    await world.rotated(family)
    before = await world.ring(family)
    assert before.staged is not None
    world.clock.pass_time(timedelta(seconds=10))
    outcome = await compromised(world, family, before.active.kid)
    assert outcome.blast_radius.successor_unknown_until == before.staged.published_at + W1


@FAMILIES
async def test_a_staged_key_is_replaced_and_the_active_key_stays(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    assert before.staged is not None
    outcome = await compromised(world, family, before.staged.kid)
    after = await world.ring(family)
    assert after.active.kid == before.active.kid
    assert after.staged is not None
    assert after.staged.kid != before.staged.kid
    assert not world.meter.rotations
    assert outcome.blast_radius.last_token_expires_at is None


async def test_the_blast_radius_of_a_signing_key_ends_with_its_last_token() -> None:
    world = await World().initialised(Family.JWT)
    ring = await world.ring(Family.JWT)
    radius = (await compromised(world, Family.JWT, ring.active.kid)).blast_radius
    now = (await world.ledger.read(Family.JWT)).now
    assert radius.exposed_from == ring.active.activated_at
    assert radius.exposed_until == now
    assert radius.last_token_expires_at == now + WINDOWS.oldest_signer_view + WINDOWS.longest_token
    assert radius.laggards_until == now + WINDOWS.oldest_verifier_view + WINDOWS.poll
    assert radius.successor_unknown_until is None


async def test_a_compromised_signing_key_leaves_the_store_and_an_aes_key_stays_for_break_glass() -> None:
    world = await World().initialised()
    for family, stays in ((Family.JWT, False), (Family.AES, True)):
        kid = (await world.ring(family)).active.kid
        await compromised(world, family, kid)
        assert (kid in (await world.store.read_folder(versions_folder(family))).secrets) is stays
        assert kid in (await world.store.read_folder(compromised_folder(family))).secrets


@FAMILIES
async def test_a_second_compromise_of_the_same_key_changes_nothing(family: Family) -> None:
    world = await World().initialised(family)
    kid = (await world.ring(family)).active.kid
    await compromised(world, family, kid)
    before = await world.ring(family)
    outcome = await world.compromise(family, kid, actor="test", reason="again")
    assert outcome == AlreadyCompromised(family=family, kid=kid, since=before.get(kid).since)
    assert await world.ring(family) == before


async def test_an_unknown_kid_is_named_and_nothing_changes() -> None:
    world = await World().initialised(Family.JWT)
    before = await world.ring(Family.JWT)
    with pytest.raises(UnknownKeyError, match="jwt_nobody"):
        await world.compromise(Family.JWT, Kid("jwt_nobody"), actor="test", reason="?")
    assert await world.ring(Family.JWT) == before


async def test_a_destroyed_key_cannot_be_compromised() -> None:
    world = await World().initialised(Family.JWT)
    kid = (await world.ring(Family.JWT)).active.kid
    await world.rotated(Family.JWT)
    world.clock.pass_time(W2)
    await world.retire(Family.JWT, actor="test", reason="old")
    with pytest.raises(TransitionError, match="DESTROYED"):
        await world.compromise(Family.JWT, kid, actor="test", reason="late")


@FAMILIES
async def test_a_rebuilt_ledger_does_not_revive_a_compromised_key(family: Family) -> None:
    world = await World().initialised(family)
    kid = (await world.ring(family)).active.kid
    await compromised(world, family, kid)
    rebuilt = World(clock=world.clock, store=world.store, seed=2)
    await rebuilt.recover(family, actor="test", reason="ledger lost")
    assert kid not in {version.kid for version in (await rebuilt.ring(family)).accepted}


async def test_what_the_store_did_not_take_is_told_beside_the_blast_radius_and_reconcile_does_it() -> None:
    world = await World().initialised(Family.JWT)
    kid = (await world.ring(Family.JWT)).active.kid
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    beside = World(clock=world.clock, store=plan.wrap(world.store), shared_ledger=world.ledger, seed=5)
    outcome = await beside.compromise(Family.JWT, kid, actor="test", reason="leaked")
    assert isinstance(outcome, Compromised)
    assert outcome.unfinished == "planned: no answer"
    assert outcome.blast_radius.last_token_expires_at is not None
    await world.reconciled(Family.JWT)
    assert kid in (await world.store.read_folder(compromised_folder("jwt"))).secrets
