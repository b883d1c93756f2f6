"""What is known of the way to Infisical."""

from datetime import UTC, datetime, timedelta

from journal_keys.adapters.infisical_cli.budget import Budget
from journal_keys.adapters.infisical_cli.store_condition import InfisicalCliStoreCondition
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.store_condition import NoTrouble
from journal_keys.domain.breaker import Breaker


async def test_a_spent_budget_and_a_silent_server_are_told_and_nothing_else() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    condition = InfisicalCliStoreCondition(breaker=Breaker(), budget=Budget(most=1, clock=clock))
    assert condition.trouble() == ""
    await condition.budget.spend()
    assert condition.trouble() == "the budget of 1 requests a minute is spent: reads wait for 60 s"
    assert not condition.is_silent()
    permit = condition.breaker.admit(clock.uptime_s())
    assert permit is not None
    condition.breaker.failed(permit, clock.uptime_s())
    assert condition.trouble() == "Infisical did not answer when last asked"
    assert condition.is_silent()
    condition.breaker.answered(permit)
    assert condition.is_silent()  # the call went out before
    clock.pass_time(timedelta(minutes=1))
    probe = condition.breaker.admit(clock.uptime_s())
    assert probe is not None
    condition.breaker.answered(probe)
    assert condition.trouble() == ""
    assert not condition.is_silent()


def test_of_a_store_in_this_process_nothing_is_told() -> None:
    assert (NoTrouble().trouble(), NoTrouble().is_silent()) == ("", False)
