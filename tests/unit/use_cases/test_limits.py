"""Who asks too often is refused, and nobody else."""

import math
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.rate_limiter import MemoryRateLimiter
from journal_keys.domain.rates import Asked, BusyError, Rate, Rates, TooManyRequestsError
from journal_keys.ports.rate_limiter import LimiterUnavailableError, RateLimiter
from journal_keys.use_cases.limit_calls import LimitCalls
from journal_keys.use_cases.limit_key_set import LimitKeySet
from tests.support.world import START


def rates(key_set: str = "1000/second") -> Rates:
    return Rates(admin=Rate.parse("2/minute"), webhook=Rate.parse("3/hour"), key_set=Rate.parse(key_set))


class NoLimiter(RateLimiter):
    async def admit(self, rate: Rate, who: str) -> bool:
        raise LimiterUnavailableError(f"no answer about {rate} of {who}")


async def test_a_caller_s_calls_of_one_thing_are_counted_together_and_others_apart() -> None:
    limit = LimitCalls(limiter=MemoryRateLimiter(ManualClock(START)), rates=rates())
    for _ in range(2):
        await limit(Asked.ADMIN, "deploy")
    with pytest.raises(TooManyRequestsError, match="admin allows 2/minute"):
        await limit(Asked.ADMIN, "deploy")
    await limit(Asked.ADMIN, "watch")
    await limit(Asked.WEBHOOK, "deploy")


async def test_who_cannot_be_counted_is_not_let_in() -> None:
    with pytest.raises(LimiterUnavailableError):
        await LimitCalls(limiter=NoLimiter(), rates=rates())(Asked.ADMIN, "deploy")


async def is_admitted(limit: LimitKeySet) -> bool:
    try:
        await limit()
    except BusyError:
        return False
    return True


@pytest.mark.parametrize(
    "rate", ["1/second", "7/second", "100/second", "101/second", "199/second", "250/second", "1000/second"]
)
async def test_the_key_set_is_given_as_often_as_its_rate_says_give_or_take_a_portion(rate: str) -> None:
    clock = ManualClock(START)
    limit = LimitKeySet(limiter=MemoryRateLimiter(clock), rates=rates(rate))
    number = Rate.parse(rate).number
    for _ in range(3):
        given = [await is_admitted(limit) for _ in range(2 * number)].count(True)
        assert number - math.ceil(number / 100) < given <= number
        clock.pass_time(timedelta(seconds=1))


async def test_the_key_set_has_one_count_for_everybody_and_whoever_is_too_many_is_told_the_rate() -> None:
    limiter = MemoryRateLimiter(ManualClock(START))
    limit = LimitKeySet(limiter=limiter, rates=rates("1/second"))
    await limit()
    assert not await limiter.admit(Rate.parse("1/second"), Asked.KEY_SET)
    with pytest.raises(BusyError, match=r"\Aasked for too often: key set allows 1/second\Z"):
        await limit()
