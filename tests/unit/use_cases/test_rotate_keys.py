"""Rotation: who is promoted, when, and what the same question answers twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.domain.changes import RingChange, RotationRequest, Transition
from journal_keys.domain.errors import RotationConflictError
from journal_keys.domain.keys import Algorithm, Family, KeyState
from journal_keys.domain.labels import method_label
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import AlreadyRotated, NotDue, Rotated, Waiting
from journal_keys.domain.paths import SecretPath, versions_folder
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.fleet import Fleet
from journal_keys.ports.ledger import Ledger, LedgerUnavailableError
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStoreUnavailableError
from journal_keys.ports.tracer import Work
from journal_keys.use_cases.rotate_keys import RingMissingError
from tests.support.world import POLICIES, START, W1, WINDOWS, World, request

FAMILIES = pytest.mark.parametrize("family", list(Family))


class Yielding:
    """A ledger that lets others run before each of its calls, as one with I/O does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        method = getattr(self._ledger, name)

        async def call(*args: object, **kwargs: object) -> object:
            await asyncio.sleep(0)
            return cast("object", await method(*args, **kwargs))

        return call


class Refusing(Yielding):
    """A ledger whose disk is full."""

    commits = 0

    async def commit(self, _transition: Transition) -> RingChange:
        self.commits += 1
        raise LedgerUnavailableError("the disk is full")


class Noting(Yielding):
    """A ledger that notes the generation of each change it took."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.generations: list[int] = []

    async def commit(self, transition: Transition) -> RingChange:
        change = await self._ledger.commit(transition)
        self.generations.append(change.ring.generation)
        return change


@FAMILIES
async def test_in_rest_a_rotation_promotes_the_staged_key_at_once_and_stages_its_successor(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    assert before.staged is not None
    outcome = await world.rotated(family)
    after = await world.ring(family)
    assert outcome == Rotated(
        family=family, old_kid=before.active.kid, new_kid=before.staged.kid, generation=before.generation + 1
    )
    assert after.active.kid == before.staged.kid
    assert after.get(before.active.kid).state is KeyState.DEACTIVATED
    assert after.staged is not None
    assert after.staged.kid not in {version.kid for version in before.versions}


@FAMILIES
async def test_a_rotation_that_is_not_due_changes_nothing(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    outcome = await world.rotated(family, force=False)
    assert outcome == NotDue(
        family=family,
        active_kid=before.active.kid,
        generation=before.generation,
        due_at=START + POLICIES[family].interval,
    )
    assert await world.ring(family) == before


@FAMILIES
async def test_a_rotation_is_due_when_the_interval_is_over(family: Family) -> None:
    world = await World().initialised(family)
    world.clock.pass_time(POLICIES[family].interval - W1)
    assert isinstance(await world.rotated(family, force=False), Rotated)


@FAMILIES
async def test_force_never_skips_the_gate(family: Family) -> None:
    world = await World().initialised(family)
    await world.rotated(family, "first")
    staged = (await world.ring(family)).staged
    assert staged is not None
    world.clock.pass_time(W1 - timedelta(microseconds=1))
    outcome = await world.rotated(family, "second")
    assert isinstance(outcome, Waiting)
    assert (outcome.staged_kid, outcome.until) == (staged.kid, staged.published_at + W1)
    assert (await world.ring(family)).active.kid == outcome.active_kid


@FAMILIES
async def test_reconcile_finishes_a_waiting_rotation_and_its_id_then_gives_that_result(family: Family) -> None:
    world = await World().initialised(family)
    await world.rotated(family, "first")
    waiting = await world.rotated(family, "second")
    assert isinstance(waiting, Waiting)
    assert await world.rotated(family, "second") == waiting
    world.clock.pass_time(W1)
    await world.reconciled(family)
    ring = await world.ring(family)
    assert ring.active.kid == waiting.staged_kid
    again = await world.rotated(family, "second")
    assert isinstance(again, Rotated)
    assert (again.old_kid, again.new_kid) == (waiting.active_kid, waiting.staged_kid)
    assert (await world.ring(family)).generation == ring.generation


@FAMILIES
async def test_the_same_rotation_id_rotates_once(family: Family) -> None:
    world = await World().initialised(family)
    first = await world.rotated(family)
    world.clock.pass_time(W1)
    assert await world.rotated(family) == first


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(request("r1", Family.JWT, force=False), id="not forced"),
        pytest.param(request("r1", Family.JWT, reason="another reason"), id="another reason"),
        pytest.param(request("r1", Family.AES), id="another scope"),
    ],
)
async def test_the_same_rotation_id_with_other_parameters_is_a_conflict(other: RotationRequest) -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT)
    before = await world.ring(Family.JWT)
    with pytest.raises(RotationConflictError, match="'r1'"):
        await world.rotate(Family(other.scope), other)
    assert await world.ring(Family.JWT) == before


@FAMILIES
async def test_of_many_rotators_one_promotes_and_the_others_get_its_result(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    assert before.staged is not None
    workers = [World(clock=world.clock, store=world.store, shared_ledger=world.ledger, seed=n) for n in range(2, 22)]
    outcomes = await asyncio.gather(*(worker.rotated(family, f"r{worker.seed}") for worker in workers))
    winners = [outcome for outcome in outcomes if isinstance(outcome, Rotated)]
    assert len(winners) == 1
    assert {type(outcome) for outcome in outcomes} <= {Rotated, AlreadyRotated, Waiting}
    ring = await world.ring(family)
    assert ring.active.kid == before.staged.kid
    assert len(ring.in_states(KeyState.PRE_ACTIVATION)) == 1


async def test_a_ring_that_was_never_made_is_not_made_by_rotating() -> None:
    world = World()
    with pytest.raises(RingMissingError, match="journal-keys init"):
        await world.rotated(Family.JWT)
    assert (await world.ledger.read(Family.JWT)).ring is None


@FAMILIES
async def test_a_staged_key_whose_material_is_gone_is_never_promoted(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    assert before.staged is not None
    await world.store.delete(versions_folder(family).child(before.staged.kid))
    with pytest.raises(SecretNotFoundError, match="reconcile"):
        await world.rotated(family)
    assert await world.ring(family) == before


@FAMILIES
async def test_generations_grow_by_one_over_a_year_of_scheduled_rotations(family: Family) -> None:
    clock = ManualClock(START)
    ledger = Noting(MemoryLedger(clock, WINDOWS.skew))
    world = await World(clock=clock, shared_ledger=cast("Ledger", ledger)).initialised(family)
    for _ in range(100):
        world.clock.pass_time(timedelta(days=4))
        await world.rotate_when_due(family)
        await world.reconciled(family)
    assert len(ledger.generations) > 8
    assert ledger.generations == list(range(1, len(ledger.generations) + 1))
    head = await world.verify_audit()
    assert head.sequence > 10


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.RS256])
async def test_a_changed_algorithm_comes_with_the_next_staged_key_and_old_keys_stay(algorithm: Algorithm) -> None:
    world = await World().initialised(Family.JWT)
    policies = {Family.JWT: replace(POLICIES[Family.JWT], algorithm=algorithm)}
    rotate = replace(world.rotate, policies=policies)
    await rotate(Family.JWT, request("first", Family.JWT))
    world.clock.pass_time(W1)
    await rotate(Family.JWT, request("second", Family.JWT))
    ring = await world.ring(Family.JWT)
    assert ring.active.algorithm is algorithm
    assert {version.algorithm for version in ring.accepted} == {Algorithm.EDDSA, algorithm}
    await world.refresh()
    assert world.board.signing is not None
    assert {key.algorithm for key in world.board.signing.verifying.values()} == {Algorithm.EDDSA, algorithm}


async def test_who_comes_second_keeps_the_winner_s_result_under_its_own_id() -> None:
    world = await World().initialised(Family.JWT)
    beside = World(clock=world.clock, store=world.store, shared_ledger=cast("Ledger", Yielding(world.ledger)), seed=9)
    ids = [f"r{number}" for number in range(2, 8)]
    outcomes = await asyncio.gather(*(beside.rotated(Family.JWT, one) for one in ids))
    active = (await world.ring(Family.JWT)).active.kid
    assert sum(isinstance(outcome, Rotated) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyRotated) for outcome in outcomes) == 5
    joined = [entry.fact for entry in await world.trail.entries() if entry.fact.action == "rotation_joined"]
    losers = {one for one, outcome in zip(ids, outcomes, strict=True) if isinstance(outcome, AlreadyRotated)}
    assert sorted(losers) == sorted(fact.detail["rotation_id"] for fact in joined)
    assert {(fact.kid, fact.actor, fact.reason) for fact in joined} == {(active, "test", "test")}
    world.clock.pass_time(W1)
    for one in ids:
        again = await world.rotated(Family.JWT, one)
        assert isinstance(again, Rotated)
        assert again.new_kid == active
        with pytest.raises(RotationConflictError):
            await world.rotate(Family.JWT, request(one, Family.JWT, reason="another"))
    assert (await world.ring(Family.JWT)).active.kid == active


@FAMILIES
async def test_a_ledger_that_takes_no_change_is_told_as_that_and_asked_once(family: Family) -> None:
    world = await World().initialised(family)
    broken = Refusing(world.ledger)
    beside = World(clock=world.clock, store=world.store, shared_ledger=cast("Ledger", broken), seed=9)
    with pytest.raises(LedgerUnavailableError, match="the disk is full"):
        await beside.rotated(family)
    assert broken.commits == 1


async def test_the_scheduler_finishes_a_waiting_rotation_in_the_name_of_who_asked() -> None:
    world = await World().initialised(Family.JWT)
    await world.rotated(Family.JWT, "first")
    assert isinstance(await world.rotated(Family.JWT, "second"), Waiting)
    world.clock.pass_time(W1)
    assert isinstance(await world.rotate_when_due(Family.JWT), Rotated)
    facts = [entry.fact for entry in await world.trail.entries()]
    assert [fact.actor for fact in facts if fact.action == "key_promoted"] == ["test"] * 3
    assert [fact.action for fact in facts].count("rotation_opened") == 1


async def test_a_clock_that_stands_still_delays_and_never_hastens() -> None:
    world = await World().initialised(Family.JWT)
    await world.rotated(Family.JWT)
    world.clock.step_wall(timedelta(days=365))
    staged = (await world.ring(Family.JWT)).staged
    assert staged is not None
    await world.rotated(Family.JWT, "second")
    assert (await world.ring(Family.JWT)).active.kid != staged.kid


LIFE = timedelta(minutes=5)


@FAMILIES
async def test_an_instance_at_an_older_generation_holds_a_rotation_back_until_it_catches_up(family: Family) -> None:
    world = await World().initialised(family)
    fleet = cast("Fleet", world.ledger)
    world.clock.pass_time(W1)
    held = (await world.ledger.heads())[family].generation
    await fleet.report("web-1", dict.fromkeys(Family, held - 1), expires_in=LIFE)
    outcome = await world.rotate(family, request("r", family))
    assert isinstance(outcome, Waiting)
    assert outcome.because.startswith(f"instance web-1 holds generation {held - 1} of {held} since ")
    assert outcome.until == (await world.ledger.read(family)).now + LIFE
    await fleet.report("web-1", {family: outcome.generation}, expires_in=LIFE)
    assert isinstance(await world.rotate_when_due(family), Rotated)


@FAMILIES
async def test_an_instance_whose_report_expired_holds_nobody_back(family: Family) -> None:
    world = await World().initialised(family)
    world.clock.pass_time(W1)
    await cast("Fleet", world.ledger).report("web-1", {}, expires_in=LIFE)
    assert isinstance(await world.rotate(family, request("r", family)), Waiting)
    world.clock.pass_time(LIFE)
    assert isinstance(await world.rotate_when_due(family), Rotated)


@FAMILIES
async def test_an_ignored_instance_holds_nobody_back_and_the_audit_trail_names_it(family: Family) -> None:
    world = await World().initialised(family)
    world.clock.pass_time(W1)
    for name in ("web-1", "web-2"):
        await cast("Fleet", world.ledger).report(name, {}, expires_in=LIFE)
    one = replace(request("r", family), ignored=frozenset({"web-1"}))
    outcome = await world.rotate(family, one)
    assert isinstance(outcome, Waiting)
    assert outcome.because.startswith("instance web-2 ")
    both = replace(one, ignored=frozenset({"web-1", "web-2"}))
    assert isinstance(await world.rotate(family, both), Rotated)
    told = [entry.fact for entry in await cast("AuditTrail", world.ledger).entries()]
    ignored = [fact for fact in told if fact.action == "instance_ignored"]
    assert [fact.detail["instance"] for fact in ignored] == ["web-1", "web-2"]


@FAMILIES
async def test_who_waits_makes_a_rotation_due(family: Family) -> None:
    world = await World().initialised(family)
    await world.rotated(family, "first")
    assert isinstance(await world.rotated(family, "second"), Waiting)
    world.clock.pass_time(W1)
    assert isinstance(await world.rotated(family, "third", force=False), Rotated)


@FAMILIES
async def test_who_waited_and_asks_again_has_the_one_record_of_then(family: Family) -> None:
    world = await World().initialised(family)
    await world.rotated(family, "first")
    assert isinstance(await world.rotated(family, "second"), Waiting)
    opened_at = (await world.ledger.read(family)).now
    world.clock.pass_time(W1)
    assert isinstance(await world.rotated(family, "second"), Rotated)
    (record,) = await world.ledger.rotations("second")
    assert record.opened_at == opened_at


@FAMILIES
async def test_a_rotation_is_followed_with_what_it_was_asked_and_what_became_of_it(family: Family) -> None:
    world = await World().initialised(family)
    tracer = MemoryTracer()
    world.rotate = replace(world.rotate, tracer=tracer)
    rotated = await world.rotated(family, "first")
    waiting = await world.rotated(family, "second")
    assert isinstance(rotated, Rotated)
    asked = {"ring": family.value, "method": method_label("test")}
    of_the_first = {"outcome": "Rotated", "generation": rotated.generation}
    kids = {"kid": rotated.new_kid, "old_kid": rotated.old_kid}
    of_the_second = {"outcome": "Waiting", "generation": waiting.generation}
    assert [(one.work, one.facts, one.failed) for one in tracer.ended] == [
        (Work.ROTATE, {**asked, "rotation_id": "first", **of_the_first, **kids}, ""),
        (Work.ROTATE, {**asked, "rotation_id": "second", **of_the_second}, ""),
    ]


class TakesNoKeys(MemorySecretStore):
    """A store that takes no new secret any more."""

    is_full = False

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        if self.is_full:
            raise SecretStoreUnavailableError("the store is full")
        await super().put_new(path, value)


@FAMILIES
async def test_a_rotation_without_a_successor_is_followed_with_what_is_unfinished(family: Family) -> None:
    store, tracer = TakesNoKeys(), MemoryTracer()
    world = await World(store=store).initialised(family)
    world.rotate = replace(world.rotate, tracer=tracer)
    store.is_full = True
    outcome = await world.rotated(family)
    assert isinstance(outcome, Rotated)
    assert outcome.unfinished == "the store is full"
    assert tracer.ended[-1].facts["unfinished"] == outcome.unfinished
