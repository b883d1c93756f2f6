"""One test per sentence of `ports.fleet`, for every adapter."""

import asyncio
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain.fleet import Held, Instance, Laggard
from journal_keys.domain.keys import Family
from journal_keys.ports.fleet import Fleet
from journal_keys.ports.ledger import MOST_LAGGARDS
from tests.support.ledger_contract import START, Ports, at_once, founding, opened

LIFE = timedelta(seconds=40)
TICK = timedelta(microseconds=1)


@pytest.fixture
def fleet(ports: Ports) -> Fleet:
    return ports.fleet


async def behind(ports: Ports, family: Family = Family.JWT) -> tuple[Laggard, ...]:
    return (await ports.ledger.read(family)).behind


async def test_a_new_fleet_has_nobody(fleet: Fleet) -> None:
    assert list(await fleet.instances()) == []


async def test_a_report_says_what_is_held_and_a_ring_that_is_left_out_is_held_at_0(fleet: Fleet) -> None:
    await fleet.report("web-1", {Family.JWT: 7}, expires_in=LIFE)
    held = {Family.JWT: Held(generation=7, since=START), Family.AES: Held(generation=0, since=START)}
    assert list(await fleet.instances()) == [
        Instance(name="web-1", held=held, reported_at=START, expires_at=START + LIFE)
    ]


async def test_a_report_takes_the_place_of_the_one_before_and_a_generation_keeps_its_moment(
    fleet: Fleet, clock: ManualClock
) -> None:
    await fleet.report("web-1", {Family.JWT: 7, Family.AES: 3}, expires_in=LIFE)
    clock.pass_time(LIFE / 2)
    await fleet.report("web-1", {Family.JWT: 8, Family.AES: 3}, expires_in=LIFE)
    (found,) = await fleet.instances()
    assert found.held[Family.JWT] == Held(generation=8, since=START + LIFE / 2)
    assert found.held[Family.AES] == Held(generation=3, since=START)
    assert (found.reported_at, found.expires_at) == (START + LIFE / 2, START + LIFE / 2 + LIFE)


async def test_a_report_counts_for_its_time_on_the_ledger_s_clock_and_not_a_tick_longer(
    ports: Ports, clock: ManualClock
) -> None:
    await ports.keeper.keep_clock()
    await ports.fleet.report("web-1", {}, expires_in=LIFE)
    clock.step_wall(timedelta(days=365))
    clock.pass_time(LIFE - TICK)
    assert [one.name for one in await ports.fleet.instances()] == ["web-1"]
    clock.pass_time(TICK)
    assert list(await ports.fleet.instances()) == []


async def test_instances_come_by_name(fleet: Fleet) -> None:
    for name in ("web-2", "web-10", "api"):
        await fleet.report(name, {}, expires_in=LIFE)
    assert [one.name for one in await fleet.instances()] == ["api", "web-10", "web-2"]


async def test_who_left_is_forgotten_and_who_was_never_there_may_leave(fleet: Fleet) -> None:
    await fleet.report("web-1", {}, expires_in=LIFE)
    await fleet.leave("web-1")
    await fleet.leave("web-1")
    assert list(await fleet.instances()) == []


async def test_reports_at_once_are_all_kept(fleet: Fleet) -> None:
    names = [f"web-{number:02}" for number in range(20)]
    await asyncio.gather(*(fleet.report(name, {Family.AES: 1}, expires_in=LIFE) for name in names))
    assert [one.name for one in await fleet.instances()] == names


async def test_a_page_shows_the_live_ones_that_hold_an_older_generation_of_its_ring(
    ports: Ports, clock: ManualClock
) -> None:
    ring = founding().ring
    await ports.ledger.commit(at_once(founding()))
    await ports.ledger.commit(at_once(founding(Family.AES)))
    await ports.ledger.commit(at_once(opened(ring)))
    await ports.fleet.report("dead", {}, expires_in=LIFE / 2)
    await ports.fleet.report("old", {Family.JWT: 1, Family.AES: 1}, expires_in=LIFE)
    await ports.fleet.report("new", {Family.JWT: 2, Family.AES: 1}, expires_in=LIFE)
    await ports.fleet.report("empty", {Family.AES: 1}, expires_in=LIFE)
    clock.pass_time(LIFE / 2)
    empty, old = await behind(ports)
    assert (empty.name, empty.held.generation, empty.ring_generation) == ("empty", 0, 2)
    assert old == Laggard(name="old", held=Held(generation=1, since=START), ring_generation=2, expires_at=START + LIFE)
    assert await behind(ports, Family.AES) == ()
    await ports.fleet.report("old", {Family.JWT: 2}, expires_in=LIFE)
    await ports.fleet.leave("empty")
    assert await behind(ports) == ()


async def test_of_very_many_the_first_are_shown(ports: Ports) -> None:
    await ports.ledger.commit(at_once(founding()))
    for number in range(MOST_LAGGARDS + 5):
        await ports.fleet.report(f"web-{number:02}", {}, expires_in=LIFE)
    assert [one.name for one in await behind(ports)] == [f"web-{number:02}" for number in range(MOST_LAGGARDS)]
