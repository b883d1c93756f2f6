"""What a process shows of the ledger: generations, what rotations wait for, who is behind, the audit trail."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.audit_chain import AuditEntry
from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Rotated, Waiting
from journal_keys.domain.status import Obstacle
from journal_keys.ports.ledger import LedgerUnavailableError
from tests.support.world import W1, WINDOWS, World


async def test_rings_that_were_not_made_are_not_shown() -> None:
    world = World()
    await world.watch_ledger()
    assert world.meter.ledger == {}
    assert world.meter.audit == world.watch_audit.status()


@pytest.mark.parametrize("family", list(Family))
async def test_a_ring_in_rest_is_shown_with_its_generation_and_waits_for_nothing(family: Family) -> None:
    world = await World().initialised()
    await world.watch_ledger()
    shown = world.meter.ledger[family]
    assert (shown.family, shown.generation) == (family, (await world.ring(family)).generation)
    assert (shown.waits_since, shown.obstacle, shown.behind) == (None, None, 0)


async def test_a_rotation_that_waits_is_shown_and_no_longer_once_it_is_made() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    assert isinstance(await world.rotated(Family.JWT, "second"), Waiting)
    asked_at = world.clock.read().wall
    world.clock.pass_time(timedelta(minutes=1))
    await world.watch_ledger()
    shown = world.meter.ledger[Family.JWT]
    assert (shown.waits_since, shown.obstacle) == (asked_at, Obstacle.WINDOW)
    world.clock.pass_time(W1)
    assert isinstance(await world.rotate_when_due(Family.JWT), Rotated)
    await world.watch_ledger()
    shown = world.meter.ledger[Family.JWT]
    assert (shown.waits_since, shown.obstacle) == (None, None)


async def test_since_when_a_rotation_waits_is_told_by_the_wall_clock() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    asked_at = world.clock.read().wall
    world.clock.reboot()
    world.clock.step_wall(timedelta(hours=5))  # of which the ledger counts nothing
    await world.watch_ledger()
    assert world.meter.ledger[Family.JWT].waits_since == asked_at + timedelta(hours=5)


async def test_live_instances_with_an_older_generation_are_counted_whether_or_not_a_rotation_waits() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    fleet = cast("MemoryLedger", world.ledger)
    now = {family: (await world.ring(family)).generation for family in Family}
    for name, held in {"good": now, "slow": {**now, Family.JWT: 1}, "slower": {**now, Family.JWT: 1}}.items():
        await fleet.report(name, held, expires_in=timedelta(minutes=5))
    await world.watch_ledger()
    assert {family: shown.behind for family, shown in world.meter.ledger.items()} == {Family.JWT: 2, Family.AES: 0}
    world.clock.pass_time(timedelta(minutes=6))
    await world.watch_ledger()
    assert world.meter.ledger[Family.JWT].behind == 0


async def test_encryptions_are_those_that_all_processes_reported() -> None:
    world = await World().initialised()
    await cast("MemoryLedger", world.ledger).add((await world.ring(Family.AES)).active.kid, 2**31)
    await world.watch_ledger()
    assert {family: shown.encryptions for family, shown in world.meter.ledger.items()} == {
        Family.JWT: 0,
        Family.AES: 2**31,
    }


class HalfGone(MemoryLedger):
    """A ledger of which one part or another gives no answer."""

    gone: str = ""

    async def instances(self) -> Sequence[Instance]:
        self._answer("instances")
        return await super().instances()

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        self._answer("audit trail")
        return await super().entries(after=after, limit=limit)

    def _answer(self, part: str) -> None:
        if self.gone == part:
            raise LedgerUnavailableError(f"the {part} gives no answer")


@pytest.mark.parametrize("gone", ["instances", "audit trail"])
async def test_a_look_that_fails_says_so_and_what_was_shown_of_rings_stays(gone: str) -> None:
    world = World()
    ledger = HalfGone(world.clock, WINDOWS.skew)
    world = await World(clock=world.clock, shared_ledger=ledger).initialised()
    await world.watch_ledger()
    shown, whole_at = dict(world.meter.ledger), world.clock.read().wall
    await world.rotated(Family.JWT)
    ledger.gone = gone
    with pytest.raises(LedgerUnavailableError, match=gone):
        await world.watch_ledger()
    assert world.meter.ledger == shown
    assert world.meter.audit is not None
    assert world.meter.audit.whole_at == whole_at


async def test_an_audit_trail_that_never_could_be_followed_is_shown_as_one_that_never_was_whole() -> None:
    ledger = HalfGone((world := World()).clock, WINDOWS.skew)
    world = World(clock=world.clock, shared_ledger=ledger)
    ledger.gone = "audit trail"
    with pytest.raises(LedgerUnavailableError):
        await world.watch_ledger()
    assert world.meter.audit is not None
    assert world.meter.audit.whole_at is None


async def test_a_chain_that_does_not_hold_is_shown_so_beside_the_rings() -> None:
    world = await World().initialised()
    await world.watch_ledger()
    entries = cast("MemoryLedger", world.ledger)._entries  # noqa: SLF001 (what nobody may do)
    entries[0] = replace(entries[0], fact=replace(entries[0].fact, reason="another"))
    await world.rotated(Family.JWT)
    await world.watch_ledger()
    assert world.meter.audit is not None
    assert world.meter.audit.broken
    assert world.meter.ledger[Family.JWT].generation == (await world.ring(Family.JWT)).generation
