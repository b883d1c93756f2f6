"""What each verb answers in full, what it leaves in the audit, and what it does when somebody else was faster."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from journal_keys.domain import rotation
from journal_keys.domain.changes import RingChange, RotationRecord, RotationRequest, RotationStatus
from journal_keys.domain.errors import DomainError, RotationConflictError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import AlreadyRotated, Rotated, Waiting
from journal_keys.domain.paths import family_folder, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import StaleGenerationError
from journal_keys.ports.secret_store import SecretNotFoundError
from journal_keys.use_cases.rotate_keys import RingMissingError
from journal_keys.use_cases.rotate_on_webhook import QUIET
from tests.support.contested_ledger import audited, contested_world, told, touch
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.heard import Heard
from tests.support.world import POLICIES, START, W1, W2, World, request

J = Family.JWT
TICK = timedelta(microseconds=1)


async def kids(world: World, family: Family = J) -> tuple[Kid, Kid]:
    ring = await world.ring(family)
    assert ring.staged is not None
    return ring.active.kid, ring.staged.kid


def promoted(ring: KeyRing, at: datetime) -> RingChange:
    return rotation.promote(ring, Cause(at=at, actor="rival", reason="faster"))


async def test_a_rotation_is_audited_with_its_actor_reason_and_id() -> None:
    world = await World().initialised(J)
    active, staged = await kids(world)
    before = await world.verify_audit()
    await world.rotate(J, replace(request("r1", J, reason="weekly"), actor="operator:alice"))
    _, successor = await kids(world)
    assert await told(world, after=before.sequence) == [
        ("key_promoted", staged, "operator:alice", "weekly"),
        ("key_demoted", active, "operator:alice", "weekly"),
        ("key_published", successor, "operator:alice", "weekly"),
    ]
    facts = await audited(world, after=before.sequence)
    assert [fact.detail for fact in facts] == [{"rotation_id": "r1"}, {"rotation_id": "r1"}, {}]
    assert {fact.at for fact in facts} == {START + W1}


async def test_a_waiting_rotation_says_for_what_and_until_when_and_is_recorded_once() -> None:
    world = await World().initialised(J)
    await world.rotated(J, "first")
    active, staged = await kids(world)
    generation = (await world.ring(J)).generation
    before = await world.verify_audit()
    world.clock.pass_time(timedelta(seconds=5))
    expected = Waiting(
        family=J,
        active_kid=active,
        staged_kid=staged,
        generation=generation + 1,
        until=START + W1 + W1,
        because=f"{staged} was published 5 s ago and W1 is 675 s",
    )
    assert await world.rotated(J, "second") == expected
    assert await world.rotated(J, "second") == expected
    assert await told(world, after=before.sequence) == [("rotation_opened", active, "test", "test")]
    third = await world.rotated(J, "third")
    assert third == replace(expected, generation=generation + 2)
    world.clock.pass_time(W1)
    done = await world.rotated(J, "third")
    assert done == Rotated(family=J, old_kid=active, new_kid=staged, generation=generation + 3)
    assert await world.rotated(J, "second") == done


async def test_both_rings_may_be_rotated_under_one_id() -> None:
    world = await World().initialised()
    both = replace(request("r1", J), scope="both")
    results = [await world.rotate(family, both) for family in Family]
    assert [outcome.family for outcome in results if isinstance(outcome, Rotated)] == [J, Family.AES]
    assert [await world.rotate(family, both) for family in Family] == results


async def test_a_rotation_hints_that_the_ring_changed() -> None:
    world = await World().initialised(J)
    assert not await world.hints.wait(0)
    await world.rotated(J)
    assert await world.hints.wait(0)


@pytest.mark.parametrize("family", list(Family))
async def test_a_hint_names_the_ring_that_was_rotated_or_lost_a_key_and_its_generation(family: Family) -> None:
    heard = Heard()
    world = await World(hints=heard).initialised()
    first = (await world.ring(family)).generation
    await world.rotated(family)
    assert heard.told == [(family, first + 1), (family, first + 2)]
    heard.told.clear()
    await world.compromise(family, (await world.ring(family)).active.kid, actor="test", reason="leaked")
    assert heard.told == [(family, first + 3), (family, first + 4)]


@pytest.mark.parametrize("missing", ["old_kid", "new_kid", "generation"])
async def test_a_record_without_its_result_is_an_error_and_no_result(missing: str) -> None:
    world = await World().initialised(J)
    old, new = await kids(world)
    settled: dict[str, Any] = {"old_kid": old, "new_kid": new, "generation": 2, missing: None}
    record = RotationRecord(
        request=request("r1", J), family=J, status=RotationStatus.PROMOTED, opened_at=START, **settled
    )
    await world.ledger.settle(record, (await world.trail.entries())[0].fact)
    with pytest.raises(DomainError, match=r"^rotation 'r1' is promoted without a result$"):
        await world.rotated(J, "r1")


async def test_a_failure_after_the_promotion_is_told_and_left_to_reconcile() -> None:
    world = await World().initialised(J)
    _, staged = await kids(world)
    plan = FaultPlan(at=1, kind=FaultKind.ERROR_BEFORE)
    beside = World(clock=world.clock, store=plan.wrap(world.store), shared_ledger=world.ledger, seed=2)
    outcome = await beside.rotated(J)
    assert isinstance(outcome, Rotated)
    assert (outcome.new_kid, outcome.unfinished) == (staged, "planned: no answer")


async def test_a_rival_s_promotion_is_the_result_of_both() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    active, staged = await kids(world)
    contest.rivals = [(J, promoted)]
    outcome = await world.rotated(J)
    assert outcome == AlreadyRotated(family=J, old_kid=active, new_kid=staged, generation=2)


async def test_a_rival_s_other_change_is_looked_at_and_the_rotation_goes_on() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    active, staged = await kids(world)
    contest.rivals = [(J, touch)] * 7
    assert await world.rotated(J) == Rotated(family=J, old_kid=active, new_kid=staged, generation=9)


async def test_after_eight_lost_races_a_rotation_gives_up() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    contest.rivals = [(J, touch)] * 8
    with pytest.raises(StaleGenerationError) as caught:
        await world.rotated(J)
    assert str(caught.value) == "ring jwt changed 8 times while it was rotated: try again"
    assert not contest.rivals


async def test_a_promotion_whose_answer_was_lost_is_found_in_the_ledger() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    active, staged = await kids(world)
    contest.answers_lost = 1
    assert await world.rotated(J) == Rotated(family=J, old_kid=active, new_kid=staged, generation=2)


async def test_an_intent_whose_answer_was_lost_is_found_in_the_ledger() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    await world.rotated(J, "first")
    contest.answers_lost = 1
    outcome = await world.rotated(J, "second")
    assert isinstance(outcome, Waiting)
    assert len((await world.ledger.read(J)).waiting) == 1


async def test_a_ring_without_a_staged_key_gets_one_first() -> None:
    world = await World().initialised(J)
    ring = await world.ring(J)
    assert ring.staged is not None
    gone = (ring.staged,)
    await world.ledger.commit(lambda at: rotation.retire(ring, gone, Cause(at=at, actor="test", reason="lost")))
    outcome = await world.rotated(J)
    active, staged = await kids(world)
    assert isinstance(outcome, Waiting)
    assert (outcome.active_kid, outcome.staged_kid) == (active, staged)
    assert staged != gone[0].kid


async def test_what_cannot_be_rotated_is_told_with_the_way_out() -> None:
    with pytest.raises(RingMissingError) as missing:
        await World().rotated(J)
    assert str(missing.value) == "the ledger has no jwt ring: run 'journal-keys init' first"
    world = await World().initialised(J)
    _, staged = await kids(world)
    await world.store.delete(versions_folder(J).child(staged))
    with pytest.raises(SecretNotFoundError) as gone:
        await world.rotated(J)
    assert str(gone.value) == f"the staged key {staged} is gone from the store: run 'journal-keys reconcile'"


async def test_another_family_s_record_of_the_id_is_checked_too() -> None:
    world = await World().initialised()
    await world.rotated(J, "r1")
    with pytest.raises(RotationConflictError):
        await world.rotate(Family.AES, replace(request("r1", Family.AES), reason="another"))


async def test_the_scheduler_rotates_what_is_due_under_an_id_of_the_active_key() -> None:
    world = await World().initialised(J)
    active, staged = await kids(world)
    world.clock.pass_time(POLICIES[J].interval - W1 - TICK)
    assert await world.rotate_when_due(J) is None
    assert (await world.ledger.read(J)).waiting == ()
    world.clock.pass_time(TICK)
    outcome = await world.rotate_when_due(J)
    assert outcome == Rotated(family=J, old_kid=active, new_kid=staged, generation=2)
    (record,) = await world.ledger.rotations(f"scheduled-{active}")
    asked = record.request
    assert (asked.scope, asked.force, asked.actor) == ("jwt", False, "scheduler")
    assert asked.reason == "the interval is over"


async def test_the_scheduler_does_what_somebody_waits_for() -> None:
    world = await World().initialised(J)
    await world.rotated(J, "first")
    await world.rotated(J, "second")
    _, staged = await kids(world)
    world.clock.pass_time(W1)
    outcome = await world.rotate_when_due(J)
    assert isinstance(outcome, Rotated)
    assert outcome.new_kid == staged


async def test_the_scheduler_makes_no_ring() -> None:
    world = World()
    assert await world.rotate_when_due(J) is None
    assert (await world.ledger.read(J)).ring is None


async def test_a_webhook_rotates_what_is_due_under_its_own_name() -> None:
    world = await World().initialised(J)
    active, staged = await kids(world)
    world.clock.pass_time(POLICIES[J].interval - W1 - TICK)
    assert await world.rotate_on_webhook(J) is None
    world.clock.pass_time(TICK)
    assert await world.rotate_on_webhook(J) == Rotated(family=J, old_kid=active, new_kid=staged, generation=2)
    (record,) = await world.ledger.rotations(f"webhook-{active}")
    assert record.request == RotationRequest(
        rotation_id=f"webhook-{active}", scope="jwt", force=False, reason="the interval is over", actor="webhook"
    )


async def test_a_webhook_makes_no_ring_and_finishes_nothing_that_was_forced() -> None:
    world = World()
    assert await world.rotate_on_webhook(J) is None
    await world.initialised(J)
    await world.rotated(J, "first")
    assert isinstance(await world.rotated(J, "second"), Waiting)
    world.clock.pass_time(W1)
    assert await world.rotate_on_webhook(J) is None
    assert [record.request.rotation_id for record in (await world.ledger.read(J)).waiting] == ["second"]


async def test_a_webhook_that_may_be_the_echo_of_a_change_of_ours_rotates_nothing() -> None:
    world = await World().initialised(J)
    world.clock.pass_time(POLICIES[J].interval)
    ring = await world.ring(J)
    await world.ledger.commit(lambda now: touch(ring, now))
    assert await world.rotate_on_webhook(J) is None
    world.clock.pass_time(QUIET - TICK)
    assert await world.rotate_on_webhook(J) is None
    world.clock.pass_time(TICK)
    assert isinstance(await world.rotate_on_webhook(J), Rotated)


async def test_projections_follow_the_rotation() -> None:
    world = await World().initialised()
    before = {family: dict((await world.store.read_folder(family_folder(family))).secrets) for family in Family}
    for family in Family:
        await world.rotated(family, family.value)
    for family, current, following in (
        (J, "current_private_key", "next_private_key"),
        (J, "current_public_key", "next_public_key"),
        (Family.AES, "current_key", "next_key"),
    ):
        after = (await world.store.read_folder(family_folder(family))).secrets
        assert after[current].same_as(before[family][following])
        assert not after[following].same_as(before[family][following])
    world.clock.pass_time(W2)
