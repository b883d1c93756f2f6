"""The time line of a ring as numbers: where each bar begins and ends, and what is said of it."""

from datetime import timedelta

import pytest

from journal_keys.domain.keys import Family, KeyState
from journal_keys.domain.status import NextEvent
from journal_keys.entrypoints.status.timeline import MOST_LANES, Axis, Bar, Timeline, timeline
from tests.support.looks import key, ring_of
from tests.support.world import POLICIES, START, W1, W2, World

DAY = timedelta(days=1)
DUE = POLICIES[Family.JWT].interval


async def drawn(world: World, family: Family = Family.JWT) -> Timeline:
    report = await world.describe()
    status = report.rings[family]
    assert status is not None
    return timeline(status.ring, status.upcoming, report.at, status.due_at)


def states(bars: tuple[Bar, ...]) -> list[tuple[KeyState, bool]]:
    return [(bar.state, bar.is_to_come) for bar in bars]


async def test_keys_in_use_go_on_until_the_next_rotation_and_the_newest_comes_first() -> None:
    world = await World().initialised()
    line, ring = await drawn(world), await world.ring(Family.JWT)
    assert ring.staged is not None
    assert [lane.version.kid for lane in line.lanes] == [ring.staged.kid, ring.active.kid]
    assert [states(lane.bars) for lane in line.lanes] == [
        [(KeyState.PRE_ACTIVATION, False), (KeyState.PRE_ACTIVATION, True)],
        [(KeyState.ACTIVE, False), (KeyState.ACTIVE, True)],
    ]
    assert (line.axis.begins, line.axis.now, line.axis.ends) == (START, START + W1, START + DUE)


async def test_each_state_of_a_key_has_its_bar_and_they_meet() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT)
    world.clock.pass_time(W1)
    line = await drawn(world)
    old = line.lanes[-1]
    assert states(old.bars) == [
        (KeyState.ACTIVE, False),
        (KeyState.DEACTIVATED, False),
        (KeyState.DEACTIVATED, True),
    ]
    assert [bar.begins for bar in old.bars] == [START, START + W1, START + 2 * W1]
    assert [bar.ends for bar in old.bars] == [START + W1, START + 2 * W1, START + W1 + W2]
    for earlier, later in zip(old.bars, old.bars[1:], strict=False):
        assert earlier.ends == later.begins


async def test_a_destroyed_key_has_no_bar_past_its_end() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT)
    world.clock.pass_time(W2)
    await world.reconciled(Family.JWT)
    world.clock.pass_time(DAY)
    old = (await drawn(world)).lanes[-1]
    assert old.version.state is KeyState.DESTROYED
    assert states(old.bars) == [(KeyState.ACTIVE, False), (KeyState.DEACTIVATED, False)]
    assert "DESTROYED at 2026-01-15T00:18:30Z" in old.label


async def test_what_no_time_decides_is_not_drawn_to_any_time() -> None:
    world = await World().initialised()
    await world.rotated(Family.AES)
    world.clock.pass_time(DAY)
    old = (await drawn(world, Family.AES)).lanes[-1]
    assert states(old.bars)[-1] == (KeyState.DEACTIVATED, False)


async def test_the_label_says_all_that_the_bars_show() -> None:
    world = await World().initialised()
    ring = await world.ring(Family.JWT)
    assert (await drawn(world)).lanes[1].label == (
        f"Time line of {ring.active.kid}: ACTIVE from 2026-01-01T00:00:00Z to 2026-01-01T00:11:15Z"
        " and to come until 2026-03-02T00:00:00Z"
    )


async def test_every_bar_is_on_the_axis_and_wide_enough_to_be_seen() -> None:
    world = await World().initialised()
    for number in range(4):
        await world.rotated(Family.AES, f"r{number}")
        world.clock.pass_time(W1 if number % 2 else 30 * DAY)
    bars = [bar for lane in (await drawn(world, Family.AES)).lanes for bar in lane.bars]
    assert len(bars) > 10
    for bar in bars:
        assert bar.width >= 0.8
        assert 0 <= bar.x <= bar.x + bar.width <= 100.01


async def test_a_moment_is_where_its_share_of_the_time_is() -> None:
    axis = Axis(begins=START, ends=START + 10 * DAY, now=START + 4 * DAY)
    assert [axis.x(START + days * DAY) for days in (-1, 0, 2.5, 4, 10, 11)] == [0, 0, 25, 40, 100, 100]
    assert axis.now_x == 40


@pytest.mark.parametrize(("days", "anchor"), [(0, "start"), (3, "start"), (5, "middle"), (7, "end"), (10, "end")])
def test_the_name_of_now_stays_on_the_picture(days: int, anchor: str) -> None:
    assert Axis(begins=START, ends=START + 10 * DAY, now=START + days * DAY).anchor == anchor


def test_what_is_short_hides_behind_nothing_and_ends_now() -> None:
    old, new = key("jwt_old", KeyState.DEACTIVATED, published_at=START - 90 * DAY), key("jwt_new")
    line = timeline(ring_of(old, new), (), START + timedelta(seconds=1), START + 90 * DAY)
    past, to_come = line.lanes[0].bars
    assert past.width == 0.8
    assert past.x + past.width == pytest.approx(line.axis.now_x)
    assert to_come.x == line.axis.now_x
    assert [bar.state for bar in line.lanes[1].painted] == [KeyState.DEACTIVATED, KeyState.ACTIVE]


def test_a_ring_that_was_made_this_moment_can_be_drawn() -> None:
    line = timeline(ring_of(key("jwt_one")), (), START)
    assert line.axis.ends > line.axis.begins
    assert [states(lane.bars) for lane in line.lanes] == [[(KeyState.ACTIVE, False)]]


def test_a_key_without_a_successor_goes_on_until_it_is_due() -> None:
    line = timeline(ring_of(key("jwt_one")), (), START + DAY, START + 2 * DAY)
    assert line.lanes[0].bars[-1].ends == line.axis.ends == START + 2 * DAY


def test_what_is_overdue_has_nothing_to_come() -> None:
    staged = key("jwt_two", KeyState.PRE_ACTIVATION)
    event = NextEvent(kid=staged.kid, what="", at=START + DAY)
    line = timeline(ring_of(key("jwt_one"), staged), (event,), START + 2 * DAY)
    assert not [bar for lane in line.lanes for bar in lane.bars if bar.is_to_come]
    assert line.axis.ends == START + 2 * DAY


def test_a_compromised_key_is_shown_as_such_until_now() -> None:
    line = timeline(ring_of(key("jwt_bad", KeyState.COMPROMISED), key("jwt_one")), (), START + 3 * DAY)
    (bad,) = (lane for lane in line.lanes if lane.version.kid == "jwt_bad")
    assert [(bar.state, bar.ends) for bar in bad.bars][-1] == (KeyState.COMPROMISED, START + 3 * DAY)


def test_of_many_keys_the_newest_are_drawn_and_those_in_use_and_the_others_are_counted() -> None:
    old = [
        key(
            f"jwt_{number}",
            KeyState.DESTROYED if number < 3 else KeyState.DEACTIVATED,
            published_at=START + number * DAY,
        )
        for number in range(1, MOST_LANES + 2)
    ]
    line = timeline(ring_of(key("jwt_oldest_in_use"), *old), (), START + 40 * DAY)
    assert len(line.lanes) == MOST_LANES
    assert line.lanes[-1].version.kid == "jwt_oldest_in_use"
    assert line.lanes[0].version.kid == f"jwt_{MOST_LANES + 1}"
    assert line.left_out == {KeyState.DESTROYED: 2}
