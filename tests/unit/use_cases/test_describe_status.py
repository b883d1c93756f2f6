"""What an operator sees: which key is in use, since when, what happens next, what is in the way, who agrees."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.encryption_budget import WARN_AT
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Waiting
from journal_keys.domain.status import NextEvent, Obstacle, RingStatus, ring_status
from tests.support.world import POLICIES, START, W1, W2, WINDOWS, World, request

PROMOTED = "it is promoted by the next rotation"
DESTROYED = "it is destroyed, past its last token"
KEPT = "it decrypts until it is proved that nothing uses it"


async def described(world: World, family: Family) -> RingStatus:
    status = (await world.describe()).rings[family]
    assert status is not None
    return status


def fleet(world: World) -> MemoryLedger:
    return cast("MemoryLedger", world.ledger)


async def test_rings_that_were_not_made_are_none() -> None:
    assert (await World().describe()).rings == {Family.JWT: None, Family.AES: None}


@pytest.mark.parametrize("family", list(Family))
async def test_a_ring_in_rest_has_its_next_event_and_no_trouble(family: Family) -> None:
    world = await World().initialised()
    found, ring = await described(world, family), await world.ring(family)
    assert ring.staged is not None
    due = START + POLICIES[family].interval
    assert (found.ring, found.due_at, found.wait, found.trouble) == (ring, due, None, "")
    assert found.upcoming == (NextEvent(kid=ring.staged.kid, what=PROMOTED, at=due),)


@pytest.mark.parametrize(("family", "old", "at"), [(Family.JWT, DESTROYED, START + W1 + W2), (Family.AES, KEPT, None)])
async def test_events_come_in_order_and_what_no_time_decides_comes_last(family: Family, old: str, at: object) -> None:
    world = await World().initialised()
    first = (await world.ring(family)).active.kid
    await world.rotated(family)
    ring = await world.ring(family)
    assert ring.staged is not None
    promotion = NextEvent(kid=ring.staged.kid, what=PROMOTED, at=START + W1 + POLICIES[family].interval)
    end = NextEvent(kid=first, what=old, at=cast("None", at))
    expected = (end, promotion) if at is not None else (promotion, end)
    assert (await described(world, family)).upcoming == expected


async def test_a_rotation_that_waits_for_the_window_says_so_and_until_when() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    outcome = await world.rotated(Family.JWT, "second")
    assert isinstance(outcome, Waiting)
    found = await described(world, Family.JWT)
    assert found.wait is not None
    assert [record.request.rotation_id for record in found.wait.rotations] == ["second"]
    assert (found.wait.obstacle, found.wait.because, found.wait.until) == (
        Obstacle.WINDOW,
        outcome.because,
        outcome.until,
    )
    assert (found.wait.since, found.wait.behind, found.trouble) == (world.clock.read().wall, (), "")
    assert found.upcoming[0].at == outcome.until


async def waiting_for_an_instance(*, ignored: frozenset[str] = frozenset()) -> World:
    """A rotation that nothing but an instance of the first generation holds back."""
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotate(Family.JWT, replace(request("second", Family.JWT), ignored=ignored))
    world.clock.pass_time(W1)
    await fleet(world).report("slow", {Family.JWT: 1, Family.AES: 1}, expires_in=timedelta(minutes=5))
    return world


async def test_a_rotation_that_waits_for_an_instance_names_it_as_trouble() -> None:
    found = await described(await waiting_for_an_instance(), Family.JWT)
    assert found.wait is not None
    assert found.wait.obstacle is Obstacle.INSTANCES
    assert [one.name for one in found.wait.behind] == ["slow"]
    assert "instance slow holds generation 1" in found.trouble
    assert found.wait.until == found.upcoming[0].at


async def test_an_instance_that_was_ignored_is_in_nobodys_way() -> None:
    found = await described(await waiting_for_an_instance(ignored=frozenset({"slow"})), Family.JWT)
    assert found.wait is not None
    assert (found.wait.obstacle, found.wait.behind, found.trouble) == (Obstacle.PASS, (), "")
    assert found.wait.because == "the next pass of the scheduler or of reconcile does it"


async def passes_awaited(for_how_long: timedelta) -> RingStatus:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    world.clock.pass_time(for_how_long)
    return await described(world, Family.JWT)


async def test_a_rotation_that_nobody_carries_out_is_trouble_after_twice_the_window() -> None:
    in_time = await passes_awaited(2 * W1)
    assert in_time.wait is not None
    assert (in_time.wait.obstacle, in_time.trouble) == (Obstacle.PASS, "")
    late = await passes_awaited(2 * W1 + timedelta(seconds=1))
    assert late.trouble == (
        "a rotation waits since 2026-01-01T00:11:15Z: nobody makes a pass; run 'journal-keys reconcile'"
    )


async def test_a_rotation_that_waits_for_its_window_is_no_trouble_however_long_ago_it_was_asked_for() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    page = await world.ledger.read(Family.JWT)
    assert page.ring is not None
    old = [replace(record, opened_at=record.opened_at - 3 * W1) for record in page.waiting]
    found = ring_status(page.ring, POLICIES[Family.JWT], WINDOWS, now=page.now, waiting=old, behind=(), encryptions=0)
    assert found.wait is not None
    assert (found.wait.obstacle, found.trouble) == (Obstacle.WINDOW, "")


async def waiting_behind(*names: str) -> RingStatus:
    world = await waiting_for_an_instance()
    for name in names:
        await fleet(world).report(name, {Family.JWT: 1, Family.AES: 1}, expires_in=timedelta(minutes=5))
    return await described(world, Family.JWT)


async def test_those_that_hold_a_rotation_back_are_counted_in_one_and_in_many() -> None:
    assert (await waiting_behind()).trouble.startswith("a rotation waits for 1 instance: instance slow")
    assert (await waiting_behind("other")).trouble.startswith("a rotation waits for 2 instances: instance other")


async def test_live_instances_are_shown_with_what_they_hold() -> None:
    world = await World().initialised()
    await fleet(world).report("one", {Family.JWT: 1, Family.AES: 1}, expires_in=timedelta(minutes=5))
    report = await world.describe()
    (one,) = report.instances
    assert report.at == world.clock.read().wall
    assert (one.name, one.held[Family.AES].generation) == ("one", 1)


async def test_a_ring_that_is_overdue_by_more_than_the_window_is_in_trouble() -> None:
    world = await World().initialised()
    world.clock.pass_time(POLICIES[Family.JWT].interval)
    assert (await described(world, Family.JWT)).trouble == ""
    world.clock.pass_time(timedelta(seconds=1))
    assert (await described(world, Family.JWT)).trouble == f"rotation is overdue by {W1.total_seconds() + 1:.0f} s"


@pytest.mark.parametrize("wanted", [True, False], ids=["asked for", "in rest"])
async def test_a_ring_without_a_staged_key_is_in_trouble(*, wanted: bool) -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    page = await world.ledger.read(Family.JWT)
    assert page.ring is not None
    found = ring_status(
        replace(page.ring, versions=(page.ring.active,)),
        POLICIES[Family.JWT],
        WINDOWS,
        now=page.now,
        waiting=page.waiting if wanted else (),
        behind=(),
        encryptions=0,
    )
    assert found.trouble == "no key is staged: run 'journal-keys reconcile'"
    told = (found.wait.obstacle, found.wait.because) if found.wait else None
    expected = Obstacle.STAGING, "no key is staged: the next pass of reconcile stages one"
    assert told == (expected if wanted else None)
    assert found.upcoming == ()


async def test_encryptions_of_all_processes_are_shown_and_many_are_trouble() -> None:
    world = await World().initialised()
    kid = (await world.ring(Family.AES)).active.kid
    await fleet(world).add(kid, WARN_AT)
    assert ((found := await described(world, Family.AES)).encryptions, found.trouble) == (WARN_AT, "")
    await fleet(world).add(kid, 1)
    assert (await described(world, Family.AES)).trouble == (
        f"{kid} has made {WARN_AT + 1} encryptions of at most 2^32: run 'journal-keys rotate aes --force'"
    )
    assert (await described(world, Family.JWT)).encryptions == 0


async def test_the_newest_audit_entries_come_first_and_the_verdict_is_that_of_the_watch() -> None:
    world = await World().initialised()
    assert (await world.describe()).audit.whole_at is None
    await world.watch_audit()
    report = await world.describe()
    assert report.audit.head == await world.trail.head()
    assert [entry.sequence for entry in report.recent] == list(range(report.audit.head.sequence, 0, -1))
    for number in range(40):
        await world.trail.append(replace(report.recent[0].fact, reason=f"number {number}"))
    recent = (await world.describe()).recent
    assert len(recent) == 20
    assert recent[0].fact.reason == "number 39"
