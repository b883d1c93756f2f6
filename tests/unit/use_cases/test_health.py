"""Is it healthy: every part is told of, and the worst of them counts."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from journal_keys.domain import material, rotation
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.store_condition import StoreCondition
from journal_keys.use_cases.check_health import Health, HealthStatus, PartHealth
from tests.support.canary.entropy import WatchedEntropy
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import MAX_STALE, POLICIES, START, W1, World

HEALTHY, DEGRADED, UNHEALTHY = HealthStatus.HEALTHY, HealthStatus.DEGRADED, HealthStatus.UNHEALTHY
WELL = PartHealth(status=HEALTHY)
TICK = timedelta(microseconds=1)


async def actives(world: World) -> dict[Family, Kid]:
    return {family: (await world.ring(family)).active.kid for family in Family}


def well(kids: dict[Family, Kid]) -> dict[Family, PartHealth]:
    return {family: PartHealth(status=HEALTHY, active_kid=kid) for family, kid in kids.items()}


async def test_rings_in_rest_are_healthy() -> None:
    world = await World().initialised()
    health = await world.health()
    assert health == Health(rings=well(await actives(world)), store=WELL, at=START + W1)
    assert health.overall is HEALTHY


class Crowded(StoreCondition):
    """A way on which one has to wait."""

    def trouble(self) -> str:
        return "reads wait for 12 s"

    def is_silent(self) -> bool:
        return False


async def test_a_store_that_answers_over_a_troubled_way_is_degraded_and_says_why() -> None:
    world = await World().initialised()
    world.health = replace(world.health, condition=Crowded())
    health = await world.health()
    assert health.store == PartHealth(status=DEGRADED, reason="reads wait for 12 s")
    assert health.overall is DEGRADED


async def test_a_store_that_does_not_answer_says_so_rather_than_how_the_way_is() -> None:
    world = await World().initialised()
    world.store.__init__()  # type: ignore[misc]
    world.health = replace(world.health, condition=Crowded())
    health = await world.health()
    assert health.store.status is UNHEALTHY
    assert "marker" in health.store.reason


async def test_a_ring_that_is_not_there_is_unhealthy_names_init_and_hides_no_other() -> None:
    world = await World().initialised(Family.AES)
    health = await world.health()
    reason = "the ledger has no jwt ring: run 'journal-keys init'"
    assert health.rings[Family.JWT] == PartHealth(status=UNHEALTHY, reason=reason)
    assert (health.rings[Family.AES].status, health.overall) == (HEALTHY, UNHEALTHY)


async def test_a_rotation_is_overdue_when_w1_after_its_time_is_over() -> None:
    world = await World().initialised()
    world.clock.pass_time(POLICIES[Family.JWT].interval)
    assert (await world.health()).overall is HEALTHY
    world.clock.pass_time(TICK)
    health = await world.health()
    kid = (await actives(world))[Family.JWT]
    reason = "rotation is overdue by 675 s"
    assert health.rings[Family.JWT] == PartHealth(status=DEGRADED, reason=reason, active_kid=kid)
    assert health.overall is DEGRADED


async def test_a_ring_without_a_staged_key_is_degraded_and_names_reconcile() -> None:
    world = await World().initialised()
    ring = await world.ring(Family.AES)
    assert ring.staged is not None
    gone = (ring.staged,)
    await world.ledger.commit(lambda at: rotation.retire(ring, gone, Cause(at=at, actor="test", reason="lost")))
    part = (await world.health()).rings[Family.AES]
    reason = "no key is staged: run 'journal-keys reconcile'"
    assert part == PartHealth(status=DEGRADED, reason=reason, active_kid=ring.active.kid)


async def test_an_aes_key_of_more_than_2_31_encryptions_is_degraded_and_names_the_rotation() -> None:
    world = await World().initialised()
    kid = (await actives(world))[Family.AES]
    await world.health.usage.add(kid, 2**31)
    assert (await world.health()).overall is HEALTHY
    await world.health.usage.add(kid, 1)
    reason = f"{kid} has made 2147483649 encryptions of at most 2^32: run 'journal-keys rotate aes --force'"
    health = await world.health()
    assert health.rings[Family.AES] == PartHealth(status=DEGRADED, reason=reason, active_kid=kid)
    assert health.rings[Family.JWT] == well(await actives(world))[Family.JWT]


@pytest.mark.parametrize("at", [0, 1], ids=["of jwt", "of aes"])
async def test_a_store_that_does_not_answer_is_degraded_and_the_rings_stay_healthy(at: int) -> None:
    world = await World().initialised()
    plan = FaultPlan(at=at, kind=FaultKind.ERROR_BEFORE)
    health = await World(clock=world.clock, store=plan.wrap(world.store), shared_ledger=world.ledger).health()
    assert health.store == PartHealth(status=UNHEALTHY, reason="planned: no answer")
    assert (health.rings, health.overall) == (well(await actives(world)), DEGRADED)


async def test_a_ledger_that_does_not_answer_for_one_ring_says_so_and_tells_the_other() -> None:
    world = await World().initialised()
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    health = await World(clock=world.clock, store=world.store, shared_ledger=plan.wrap(world.ledger)).health()
    expected = well(await actives(world)) | {Family.JWT: PartHealth(status=UNHEALTHY, reason="planned: no answer")}
    assert health == Health(rings=expected, store=WELL, at=START + W1)
    assert health.overall is UNHEALTHY


async def test_a_ledger_that_never_answers_gives_no_time() -> None:
    world = await World().initialised()
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    beside = World(clock=world.clock, store=world.store, shared_ledger=plan.wrap(world.ledger))
    health = await replace(beside.health, policies={Family.JWT: POLICIES[Family.JWT]})()
    assert (health.at, health.store, health.overall) == (None, WELL, UNHEALTHY)


@pytest.mark.parametrize(
    ("family", "lost", "missed"),
    [
        (Family.JWT, ("active",), ("active",)),
        (Family.JWT, ("staged",), ()),
        (Family.JWT, ("active", "staged"), ("active",)),
        (Family.AES, ("staged",), ("staged",)),
        (Family.AES, ("active", "staged"), ("active", "staged")),
    ],
)
async def test_material_that_somebody_needs_now_is_missed_by_kid(
    family: Family, lost: tuple[str, ...], missed: tuple[str, ...]
) -> None:
    world = await World().initialised()
    ring = await world.ring(family)
    assert ring.staged is not None
    kids = {"active": ring.active.kid, "staged": ring.staged.kid}
    for name in lost:
        await world.store.delete(versions_folder(family).child(kids[name]))
    order: list[str] = [version.kid for version in ring.versions]
    named = ", ".join(sorted((kids[name] for name in missed), key=order.index))
    health = await world.health()
    part = PartHealth(status=HEALTHY, active_kid=ring.active.kid)
    expected = replace(part, status=UNHEALTHY, reason=f"material is missing: {named}") if missed else part
    assert (health.rings[family], health.store) == (expected, WELL)


async def test_altered_material_of_the_active_key_is_unhealthy() -> None:
    world = await World().initialised()
    kid = (await world.ring(Family.AES)).active.kid
    await world.store.overwrite({versions_folder("aes").child(kid): KeyMaterial(b"altered")})
    health = await world.health()
    assert "is not what the ledger recorded" in health.rings[Family.AES].reason
    assert health.rings[Family.AES].status is HealthStatus.UNHEALTHY


async def test_a_name_that_holds_no_key_is_counted() -> None:
    world = await World().initialised()
    await world.store.overwrite({versions_folder("aes").child("stranger"): KeyMaterial(b"junk")})
    health = await world.health()
    assert health.store.status is HealthStatus.DEGRADED
    assert health.store.reason == "1 names in /auth/aes/versions hold no key: somebody else wrote them"


async def test_without_rings_a_store_that_shows_no_marker_is_not_called_healthy() -> None:
    health = await World().health()
    assert health.store.status is HealthStatus.UNHEALTHY


@pytest.mark.parametrize("family", Family)
async def test_a_snapshot_s_view_degrades_a_ring_that_is_out_of_reach_until_it_is_too_old(family: Family) -> None:
    world = await World().initialised()
    await world.refresh()
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    beside = World(clock=world.clock, store=world.store, shared_ledger=plan.wrap(world.ledger))
    check = replace(beside.health, policies={family: POLICIES[family]}, board=beside.board)
    view = world.board.signing if family is Family.JWT else world.board.cipher
    assert view is not None
    beside.board.show(replace(view, is_restored=True))
    since = view.confirmed_at.isoformat(timespec="seconds")
    world.clock.pass_time(MAX_STALE)
    plan.at = len(plan.calls)
    in_time = PartHealth(
        status=DEGRADED,
        reason=f"degraded since {since}, on a snapshot of then: planned: no answer",
        active_kid=view.ring.active.kid,
    )
    assert (await check()).rings == {family: in_time}
    world.clock.pass_time(TICK)
    plan.at = len(plan.calls)
    too_old = PartHealth(status=UNHEALTHY, reason=f"the snapshot of {since} is too old by now: planned: no answer")
    assert (await check()).rings == {family: too_old}


async def test_the_view_of_a_process_that_had_its_ring_itself_is_no_excuse() -> None:
    world = await World().initialised()
    await world.refresh()
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    beside = World(clock=world.clock, store=world.store, shared_ledger=plan.wrap(world.ledger))
    assert world.board.signing is not None
    beside.board.show(world.board.signing)
    health = await replace(beside.health, policies={Family.JWT: POLICIES[Family.JWT]})()
    assert health.rings == {Family.JWT: PartHealth(status=UNHEALTHY, reason="planned: no answer")}


def leftover(number: int, made_at: datetime, *, derived: Kid | None = None) -> tuple[Kid, KeyMaterial]:
    """A key that no ring knows, and its line."""
    key = KeyMaterial(WatchedEntropy(number).token(32))
    kid = Kid(f"imported{number}") if derived else material.aes_kid(key)
    record = MaterialRecord(
        family=Family.AES, kid=kid, algorithm=Algorithm.A256GCM, created_at=made_at, key=key, derived_kid=derived
    )
    return kid, material.encode(record)


async def health_beside(world: World, *left: tuple[Kid, KeyMaterial]) -> PartHealth:
    """How the aes ring is with these lines beside its own."""
    await world.store.overwrite({versions_folder("aes").child(kid): line for kid, line in left})
    return (await world.health()).rings[Family.AES]


@pytest.mark.parametrize(("age", "is_told"), [(2 * W1, False), (2 * W1 + TICK, True)], ids=["just swept", "left"])
async def test_keys_that_no_pass_swept_in_twice_w1_are_named_with_the_command(age: timedelta, is_told: bool) -> None:  # noqa: FBT001
    world = await World().initialised()
    world.clock.pass_time(4 * W1)
    made_at = (await world.ledger.read(Family.AES)).now - age
    left = [leftover(number, made_at) for number in (101, 102)]
    kids = ", ".join(sorted(kid for kid, _ in left))
    told = f"the store keeps keys that the ledger does not know: {kids}: run 'journal-keys reconcile'"
    part = await health_beside(world, *left)
    assert (part.status, part.reason) == ((DEGRADED, told) if is_told else (HEALTHY, ""))


async def test_a_leftover_that_was_to_be_imported_names_the_migration() -> None:
    world = await World().initialised()
    world.clock.pass_time(4 * W1)
    ours, made_at = leftover(103, START), START
    theirs = leftover(104, made_at, derived=material.aes_kid(KeyMaterial(WatchedEntropy(104).token(32))))
    kids = ", ".join(sorted((ours[0], theirs[0])))
    part = await health_beside(world, ours, theirs)
    assert part.reason == (
        f"the store keeps keys that the ledger does not know: {kids}:"
        " a migration was not completed: run 'journal-keys migration migrate' again, or roll it back"
    )
