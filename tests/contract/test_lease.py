"""One test per sentence of `ports.lease`, for every adapter, by two instances that share one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.lease import MemoryLease
from journal_keys.adapters.redis.lease import RedisLease
from journal_keys.ports.lease import Lease
from tests.support.redis_server import RedisServer
from tests.support.shared import START, plain_client, sharing

HOUR = timedelta(hours=1)
INSTANT = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Pair:
    """Two instances, and how a short while passes for both."""

    one: Lease
    two: Lease
    pass_time: Callable[[timedelta], Awaitable[None]]


Factory: TypeAlias = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Pair]]


@asynccontextmanager
async def in_memory(_request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    clock = ManualClock(START)
    one = MemoryLease(holder="one", clock=clock)

    async def pass_time(while_: timedelta) -> None:
        clock.pass_time(while_)

    yield Pair(one, MemoryLease(holder="two", clock=clock, turns=one.turns), pass_time)


def unhurried(lease: Lease) -> Lease:
    """The lease of an instance that waits for Redis on a busy machine, too: whoever cannot tell takes its turn."""
    assert isinstance(lease, RedisLease)
    return replace(lease, call=replace(lease.call, deadline_s=10))


@asynccontextmanager
async def in_redis(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    server: RedisServer = request.getfixturevalue("shared_redis")

    async def pass_time(while_: timedelta) -> None:
        await asyncio.sleep(while_.total_seconds())

    clock = ManualClock(START)
    async with sharing(server.url, clock) as one, sharing(server.socket_url, clock) as two:
        yield Pair(unhurried(one.lease), unhurried(two.lease), pass_time)
        async with plain_client(server.url) as admin:
            for key in await admin.keys("*:lease:*"):
                assert await admin.pttl(key) > 0, "a turn ends by itself"


FACTORIES = (pytest.param(in_memory, id="in memory"), pytest.param(in_redis, id="in Redis"))


@pytest.fixture(params=FACTORIES)
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    factory: Factory = request.param
    async with factory(request) as made:
        yield made


def test_it_is_a_lease(pair: Pair) -> None:
    assert isinstance(pair.one, Lease)


async def test_who_comes_first_has_the_turn_and_others_do_not(pair: Pair) -> None:
    assert await pair.one.take("rotate", HOUR) is True
    assert await pair.two.take("rotate", HOUR) is False
    assert await pair.two.take("rotate", HOUR) is False


async def test_who_has_it_holds_it_on(pair: Pair) -> None:
    assert await pair.one.take("rotate", INSTANT) is True
    assert await pair.one.take("rotate", HOUR) is True
    await pair.pass_time(2 * INSTANT)
    assert await pair.two.take("rotate", HOUR) is False


async def test_a_turn_that_is_not_held_on_ends(pair: Pair) -> None:
    assert await pair.one.take("rotate", INSTANT) is True
    await pair.pass_time(2 * INSTANT)
    assert await pair.two.take("rotate", HOUR) is True
    assert await pair.one.take("rotate", HOUR) is False


async def test_who_is_refused_does_not_hold_it_on(pair: Pair) -> None:
    assert await pair.one.take("rotate", INSTANT) is True
    await pair.two.take("rotate", HOUR)
    await pair.pass_time(2 * INSTANT)
    assert await pair.two.take("rotate", HOUR) is True


async def test_every_name_is_a_turn_of_its_own(pair: Pair) -> None:
    assert await pair.one.take("rotate", HOUR) is True
    assert await pair.two.take("reconcile", HOUR) is True
    assert await pair.one.take("reconcile", HOUR) is False


async def test_who_gives_it_back_lets_another_have_it_at_once(pair: Pair) -> None:
    assert await pair.one.take("rotate", HOUR) is True
    await pair.one.give_back("rotate")
    assert await pair.two.take("rotate", HOUR) is True


async def test_nobody_gives_back_what_is_not_theirs(pair: Pair) -> None:
    await pair.two.give_back("rotate")
    assert await pair.one.take("rotate", HOUR) is True
    await pair.two.give_back("rotate")
    assert await pair.two.take("rotate", HOUR) is False


async def test_of_many_who_ask_at_once_one_has_it(pair: Pair) -> None:
    answers = await asyncio.gather(*(lease.take("rotate", HOUR) for lease in (pair.one, pair.two) for _ in range(10)))
    assert answers in ([True] * 10 + [False] * 10, [False] * 10 + [True] * 10)
