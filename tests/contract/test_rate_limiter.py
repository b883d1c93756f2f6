"""One test per sentence of `ports.rate_limiter`, for every adapter, by two instances that share one where they can."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.rate_limiter import MemoryRateLimiter
from journal_keys.domain.rates import Rate
from journal_keys.ports.rate_limiter import LimiterUnavailableError, RateLimiter
from tests.support.redis_server import RedisServer
from tests.support.shared import PLACE, START, plain_client, sharing

THRICE = Rate(3, timedelta(seconds=1))


@dataclass(frozen=True)
class Pair:
    """Two instances that count together, and how time passes for both."""

    one: RateLimiter
    two: RateLimiter
    pass_time: Callable[[timedelta], Awaitable[None]]


Factory: TypeAlias = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Pair]]


@asynccontextmanager
async def in_memory(_request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    clock = ManualClock(START)
    limiter = MemoryRateLimiter(clock)

    async def pass_time(while_: timedelta) -> None:
        clock.pass_time(while_)

    yield Pair(limiter, limiter, pass_time)


@asynccontextmanager
async def in_redis(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    server: RedisServer = request.getfixturevalue("shared_redis")
    clock = ManualClock(START)

    async def pass_time(while_: timedelta) -> None:
        await asyncio.sleep(while_.total_seconds())

    async with sharing(server.url, clock) as one, sharing(server.socket_url, clock) as two:
        yield Pair(one.limiter, two.limiter, pass_time)


FACTORIES = (
    pytest.param(in_memory, id="in memory"),
    pytest.param(in_redis, id="in Redis", marks=pytest.mark.processes),
)


@pytest.fixture(params=FACTORIES)
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    factory: Factory = request.param
    async with factory(request) as made:
        yield made


async def test_as_many_are_admitted_as_the_rate_says_whoever_counts_them(pair: Pair) -> None:
    counted = [await limiter.admit(THRICE, "deploy") for limiter in (pair.one, pair.two, pair.one, pair.two, pair.one)]
    assert counted == [True, True, True, False, False]


async def test_everybody_is_counted_apart(pair: Pair) -> None:
    for _ in range(3):
        assert await pair.one.admit(THRICE, "deploy")
    assert await pair.two.admit(THRICE, "watch") is True
    assert await pair.two.admit(THRICE, "deploy") is False


async def test_what_was_refused_does_not_count_and_after_a_period_there_is_room_again(pair: Pair) -> None:
    for _ in range(3):
        await pair.one.admit(THRICE, "deploy")
    for _ in range(20):
        assert await pair.one.admit(THRICE, "deploy") is False
    await pair.pass_time(THRICE.period + timedelta(milliseconds=100))
    assert [await pair.two.admit(THRICE, "deploy") for _ in range(4)] == [True, True, True, False]


async def test_of_many_at_once_no_more_are_admitted(pair: Pair) -> None:
    rate = Rate(10, timedelta(hours=1))
    admitted = await asyncio.gather(
        *(limiter.admit(rate, "all") for limiter in (pair.one, pair.two) for _ in range(15))
    )
    assert sum(admitted) == 10


async def test_in_redis_a_count_ends_by_itself_and_names_its_environment(shared_redis: RedisServer) -> None:
    async with sharing(shared_redis.url, ManualClock(START)) as one, plain_client(shared_redis.url) as admin:
        await one.limiter.admit(Rate(5, timedelta(minutes=1)), "deploy")
        (name,) = await admin.keys("*")
        assert f"{PLACE.rates}:" in str(name)
        assert 0 < await admin.ttl(name) <= 60


@pytest.mark.parametrize("spoiled", [b"text", 5])
async def test_a_count_in_redis_that_is_none_admits_nobody(shared_redis: RedisServer, spoiled: bytes | int) -> None:
    async with sharing(shared_redis.url, ManualClock(START)) as one, plain_client(shared_redis.url) as admin:
        await one.limiter.admit(THRICE, "deploy")
        (name,) = await admin.keys("*")
        await admin.set(name, spoiled)
        with pytest.raises(LimiterUnavailableError, match="command line"):
            await one.limiter.admit(THRICE, "deploy")


async def test_without_redis_nothing_is_counted_and_that_is_told(own_redis: RedisServer) -> None:
    async with sharing(own_redis.url, ManualClock(START)) as one:
        assert await one.limiter.admit(THRICE, "deploy")
        own_redis.stop()
        for _ in range(2):
            with pytest.raises(LimiterUnavailableError, match="Redis"):
                await one.limiter.admit(THRICE, "deploy")
