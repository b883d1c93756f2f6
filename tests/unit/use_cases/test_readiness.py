"""Whether a process may be sent traffic: what its views let it do, and nothing else, decides."""

from dataclasses import replace
from datetime import timedelta

import pytest

from journal_keys.domain.keys import Family
from journal_keys.use_cases.check_readiness import CheckReadiness
from tests.support.world import WINDOWS, World

TTL = WINDOWS.view_ttl
MOMENT = timedelta(seconds=1)


def readiness(world: World, **changes: timedelta) -> CheckReadiness:
    return CheckReadiness(board=world.board, clock=world.clock, windows=replace(WINDOWS, **changes))


async def shown() -> World:
    world = await World().initialised()
    await world.refresh()
    return world


def test_a_process_that_never_loaded_its_views_says_so_of_both() -> None:
    assert readiness(World())() == ("the jwt ring was never loaded", "the aes ring was never loaded")


async def test_fresh_views_are_enough_and_old_ones_are_not_until_they_are_confirmed_again() -> None:
    world = await shown()
    ready = readiness(world)
    assert ready() == ()
    world.clock.pass_time(TTL)
    assert ready() == ()
    world.clock.pass_time(MOMENT)
    assert ready() == (
        "the jwt ring was not confirmed within 300 s",
        "the aes ring was not confirmed within 300 s",
    )
    old = ready()
    world.clock.pass_time(TTL)
    assert ready() == old, "the same obstacle has the same words"
    await world.refresh()
    assert ready() == ()


async def test_who_signs_through_outages_is_ready_for_as_long() -> None:
    world = await shown()
    ready = readiness(world, sign_max_stale=4 * TTL)
    world.clock.pass_time(4 * TTL)
    assert ready() == ()
    world.clock.pass_time(MOMENT)
    assert len(ready()) == 2


@pytest.mark.parametrize("family", list(Family))
async def test_a_key_in_use_without_its_material_is_in_the_way(family: Family) -> None:
    world = await shown()
    assert world.board.signing is not None
    assert world.board.cipher is not None
    kid = (await world.ring(family)).active.kid
    if family is Family.JWT:
        world.board.show(replace(world.board.signing, signing=None))
    else:
        world.board.show(replace(world.board.cipher, sealing=None))
    assert readiness(world)() == (f"the material of the ACTIVE key {kid} could not be read",)
