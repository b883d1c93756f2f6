"""Figures: what the views say, and what was promoted by whom."""

from dataclasses import replace
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.store_condition import NoTrouble
from journal_keys.domain import rotation
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Rotated, Waiting
from tests.support.world import POLICIES, W1, WINDOWS, World, request

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
    assert (shown.max_age, shown.window) == (WINDOWS.view_ttl, W1)


@FAMILIES
@pytest.mark.parametrize("is_from_a_snapshot", [False, True])
async def test_moments_are_those_of_the_wall_clock_also_where_the_ledger_s_time_stands_behind_it(
    family: Family, *, is_from_a_snapshot: bool
) -> None:
    world = await World().initialised()
    if is_from_a_snapshot:
        await world.refresh()
        for view in (world.board.signing, world.board.cipher):
            assert view is not None
            world.board.show(replace(view, is_restored=True))
    world.clock.reboot()
    world.clock.step_wall(timedelta(days=3))
    await world.refresh()
    world.figures()
    ring, shown = await world.ring(family), world.meter.rings[family]
    behind = world.clock.read().wall - (await world.ledger.read(family)).now
    assert behind >= timedelta(days=3)
    assert shown.active_since == ring.active.since + behind
    assert shown.due_at == rotation.due_at(ring, POLICIES[family]) + behind
    assert shown.confirmed_at == world.clock.read().wall


class Silent(NoTrouble):
    """A store that gives no answer."""

    def is_silent(self) -> bool:
        return True


async def test_a_store_that_gives_no_answer_is_shown_so_until_it_does() -> None:
    world = World()
    replace(world.figures, condition=Silent())()
    assert world.meter.store_is_silent
    world.figures()
    assert not world.meter.store_is_silent


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
