"""Figures: what the views say, and what was promoted by whom."""

from dataclasses import replace

import pytest

from journal_keys.domain import rotation
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Rotated, Waiting
from tests.support.world import POLICIES, World, request

FAMILIES = pytest.mark.parametrize("family", list(Family))


async def test_before_there_is_a_view_no_ring_is_shown() -> None:
    world = World()
    world.figures()
    assert world.meter.rings == {}


@FAMILIES
async def test_a_ring_is_shown_as_its_view_has_it(family: Family) -> None:
    world = await World().initialised()
    await world.refresh()
    world.figures()
    ring, shown = await world.ring(family), world.meter.rings[family]
    assert shown.family is family
    assert shown.generation == ring.generation
    assert shown.confirmed_at == world.clock.read().wall
    assert shown.active_since == ring.active.since
    assert shown.due_at == rotation.due_at(ring, POLICIES[family])


async def test_a_ring_that_was_rotated_is_shown_so_once_it_is_in_view() -> None:
    world = await World().initialised()
    await world.refresh()
    await world.rotated(Family.JWT)
    world.figures()
    assert world.meter.rings[Family.JWT].generation == 1
    await world.refresh()
    world.figures()
    assert world.meter.rings[Family.JWT].generation == (await world.ring(Family.JWT)).generation > 1


async def test_encryptions_of_the_active_key_are_shown() -> None:
    world = await World().initialised()
    await world.refresh()
    kid = (await world.ring(Family.AES)).active.kid
    world.budget.report(kid, 40)
    world.budget.spend(kid)
    world.figures()
    assert world.meter.encryptions == 41


@FAMILIES
async def test_a_promotion_is_counted_once_and_a_repeated_question_is_not(family: Family) -> None:
    world = await World().initialised()
    asked = replace(request("r1", family), actor="operator:alice")
    for _ in range(2):
        assert isinstance(await world.rotate(family, asked), Rotated)
    assert world.meter.rotations == {(family, "operator"): 1}


async def test_a_rotation_that_waits_is_not_counted_and_counts_for_who_asked_once_it_is_done() -> None:
    world = World()
    await world.init(POLICIES[Family.JWT], actor="test", reason="first keys")
    asked = replace(request("r1", Family.JWT), actor="http:loopback")
    waiting = await world.rotate(Family.JWT, asked)
    assert isinstance(waiting, Waiting)
    assert not world.meter.rotations
    world.clock.pass_time(waiting.until - world.clock.read().wall)
    assert isinstance(await world.rotate_when_due(Family.JWT), Rotated)
    assert world.meter.rotations == {(Family.JWT, "api"): 1}
