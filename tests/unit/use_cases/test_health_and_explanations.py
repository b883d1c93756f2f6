"""What an operator asks: is it healthy, why is this key so, was the audit tampered with."""

from datetime import timedelta

import pytest

from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.errors import AuditChainBrokenError, UnknownKeyError
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import versions_folder
from journal_keys.use_cases.check_health import HealthStatus
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import POLICIES, START, W1, W2, World


async def test_rings_in_rest_are_healthy() -> None:
    health = await (await World().initialised()).health()
    assert health.overall is HealthStatus.HEALTHY
    assert health.rings[Family.AES].active_kid is not None


async def test_no_ring_is_unhealthy_and_names_init() -> None:
    health = await World().health()
    assert health.overall is HealthStatus.UNHEALTHY
    assert "journal-keys init" in health.rings[Family.JWT].reason


async def test_an_overdue_rotation_is_degraded() -> None:
    world = await World().initialised()
    world.clock.pass_time(POLICIES[Family.JWT].interval + W1)
    health = await world.health()
    assert health.rings[Family.JWT].status is HealthStatus.DEGRADED
    assert health.overall is HealthStatus.DEGRADED


async def test_a_store_that_does_not_answer_is_degraded_and_the_rings_stay_healthy() -> None:
    world = await World().initialised()
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    health = await World(clock=world.clock, store=plan.wrap(world.store), shared_ledger=world.ledger).health()
    assert health.store.status is HealthStatus.UNHEALTHY
    assert health.overall is HealthStatus.DEGRADED


async def test_a_ledger_that_does_not_answer_is_unhealthy() -> None:
    world = await World().initialised()
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    health = await World(clock=world.clock, store=world.store, shared_ledger=plan.wrap(world.ledger)).health()
    assert health.overall is HealthStatus.UNHEALTHY


async def test_missing_material_of_the_active_key_is_told_by_kid() -> None:
    world = await World().initialised()
    kid = (await world.ring(Family.JWT)).active.kid
    await world.store.delete(versions_folder("jwt").child(kid))
    health = await world.health()
    assert health.rings[Family.JWT].reason == f"material is missing: {kid}"
    assert health.overall is HealthStatus.UNHEALTHY


async def test_altered_material_of_the_active_key_is_unhealthy() -> None:
    world = await World().initialised()
    kid = (await world.ring(Family.AES)).active.kid
    await world.store.overwrite(versions_folder("aes").child(kid), KeyMaterial(b"altered"))
    health = await world.health()
    assert "is not what the ledger recorded" in health.rings[Family.AES].reason
    assert health.rings[Family.AES].status is HealthStatus.UNHEALTHY


async def test_a_name_that_holds_no_key_is_counted() -> None:
    world = await World().initialised()
    await world.store.overwrite(versions_folder("aes").child("stranger"), KeyMaterial(b"junk"))
    health = await world.health()
    assert health.store.status is HealthStatus.DEGRADED
    assert health.store.reason == "1 names in /auth/aes/versions hold no key: somebody else wrote them"


async def test_without_rings_a_store_that_shows_no_marker_is_not_called_healthy() -> None:
    health = await World().health()
    assert health.store.status is HealthStatus.UNHEALTHY


async def test_each_state_is_explained_with_its_next_event_and_time() -> None:
    world = await World().initialised(Family.JWT)
    first = await world.ring(Family.JWT)
    assert first.staged is not None
    active, staged = await world.explain(first.active.kid), await world.explain(first.staged.kid)
    assert (active.state, active.next_at) == (KeyState.ACTIVE, START + POLICIES[Family.JWT].interval)
    assert (staged.state, staged.next_at) == (KeyState.PRE_ACTIVATION, START + POLICIES[Family.JWT].interval)
    assert active.because == "key_promoted by test: first keys"
    await world.rotated(Family.JWT)
    old = await world.explain(first.active.kid)
    demoted = (await world.ring(Family.JWT)).get(first.active.kid)
    assert (old.state, old.next_at) == (KeyState.DEACTIVATED, demoted.since + W2)
    world.clock.pass_time(W2)
    await world.retire(Family.JWT, actor="test", reason="old")
    assert (await world.explain(first.active.kid)).next_at is None


async def test_an_unknown_kid_has_no_explanation() -> None:
    with pytest.raises(UnknownKeyError, match="jwt_nobody"):
        await (await World().initialised()).explain(Kid("jwt_nobody"))


async def test_a_kept_head_proves_that_nothing_was_cut_off() -> None:
    world = await World().initialised()
    kept = await world.verify_audit()
    await world.rotated(Family.JWT)
    head = await world.verify_audit(kept=kept)
    assert head.sequence > kept.sequence
    foreign = AuditHead(sequence=kept.sequence, hash="f" * 64)
    with pytest.raises(AuditChainBrokenError, match=f"entry {kept.sequence}"):
        await world.verify_audit(kept=foreign)


async def test_a_clock_that_stands_still_delays_and_never_hastens() -> None:
    world = await World().initialised(Family.JWT)
    await world.rotated(Family.JWT)
    world.clock.step_wall(timedelta(days=365))
    staged = (await world.ring(Family.JWT)).staged
    assert staged is not None
    await world.rotated(Family.JWT, "second")
    assert (await world.ring(Family.JWT)).active.kid != staged.kid
