"""One test per sentence of `ports.clock_keeper`, for every adapter."""

from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain import audit_chain
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_clock import ClockWentBackError
from tests.support.ledger_contract import START, YEAR, Ports, at_once, founding

HOUR = timedelta(hours=1)


async def test_across_a_reboot_passes_what_was_kept_before_and_after_it(ports: Ports, clock: ManualClock) -> None:
    await ports.ledger.commit(at_once(founding()))
    clock.pass_time(HOUR)
    await ports.keeper.keep_clock()
    clock.pass_time(HOUR)
    clock.reboot()
    clock.step_wall(YEAR)
    await ports.keeper.keep_clock()
    clock.pass_time(HOUR)
    assert (await ports.ledger.read(Family.JWT)).now == START + 2 * HOUR


async def test_a_clock_set_back_a_year_is_not_kept(ports: Ports, clock: ManualClock) -> None:
    await ports.ledger.commit(at_once(founding()))
    clock.step_wall(-YEAR)
    with pytest.raises(ClockWentBackError):
        await ports.keeper.keep_clock()


async def test_a_clock_that_is_accepted_is_gone_on_from_and_the_ledgers_time_does_not_go_back(
    ports: Ports, clock: ManualClock
) -> None:
    await ports.ledger.commit(at_once(founding()))
    clock.step_wall(-YEAR)
    clock.pass_time(HOUR)
    await ports.keeper.accept_clock(actor="ops", reason="the old reading was wrong")
    assert (await ports.ledger.read(Family.JWT)).now == START + HOUR
    clock.pass_time(HOUR)
    await ports.keeper.keep_clock()
    assert (await ports.ledger.read(Family.JWT)).now == START + 2 * HOUR


async def test_accepting_a_clock_is_audited_with_both_readings_and_gives_the_new_head(
    ports: Ports, clock: ManualClock
) -> None:
    await ports.ledger.commit(at_once(founding()))
    clock.step_wall(-YEAR)
    head = await ports.keeper.accept_clock(actor="ops", reason="the old reading was wrong")
    entries = await ports.trail.entries()
    last = entries[-1].fact
    assert (last.action, last.actor, last.reason) == ("clock_accepted", "ops", "the old reading was wrong")
    assert last.detail == {"wall": clock.read().wall.isoformat(), "wall_before": START.isoformat()}
    assert last.at == START
    assert audit_chain.verify(entries) == head == await ports.trail.head()


async def test_a_ledger_without_changes_begins_with_the_clock_that_is_accepted(
    ports: Ports, clock: ManualClock
) -> None:
    await ports.keeper.accept_clock(actor="ops", reason="first")
    (entry,) = await ports.trail.entries()
    assert entry.fact.detail == {"wall": START.isoformat(), "wall_before": "none"}
    clock.step_wall(-YEAR)
    with pytest.raises(ClockWentBackError):
        await ports.ledger.read(Family.JWT)
