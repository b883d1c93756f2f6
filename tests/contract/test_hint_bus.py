"""One test per sentence of `ports.hint_bus`, for every adapter."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.domain.keys import Family
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.hint_bus import HintBus
from tests.support.redis_server import RedisServer
from tests.support.shared import PATH, START, Listener, listening, sharing

SOON_S = 0.01
LONG_S = 30.0

Factory: TypeAlias = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[HintBus]]


@asynccontextmanager
async def in_memory(_request: pytest.FixtureRequest) -> AsyncIterator[HintBus]:
    bus = MemoryHintBus()
    bus.listen(_fails)
    yield bus


@asynccontextmanager
async def over_redis(request: pytest.FixtureRequest) -> AsyncIterator[HintBus]:
    server: RedisServer = request.getfixturevalue("shared_redis")
    async with sharing(server.url, ManualClock(START)) as shared, listening(shared) as one:
        shared.hints.listen(_fails)
        yield one.bus


def _fails(prefix: SecretPath | None) -> None:
    raise AssertionError(f"nobody else forgot {prefix}")


FACTORIES = (pytest.param(in_memory, id="in memory"), pytest.param(over_redis, id="over Redis"))


@pytest.fixture(params=FACTORIES)
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[HintBus]:
    factory: Factory = request.param
    async with factory(request) as made:
        yield made


def test_it_is_a_hint_bus(bus: HintBus) -> None:
    assert isinstance(bus, HintBus)


async def test_without_a_hint_a_wait_ends_at_its_time_and_says_so(bus: HintBus) -> None:
    loop = asyncio.get_running_loop()
    before_s = loop.time()
    assert await bus.wait(SOON_S) is False
    assert SOON_S * 0.9 <= loop.time() - before_s < LONG_S


@pytest.mark.parametrize("family", Family)
async def test_a_hint_of_any_ring_ends_a_wait(bus: HintBus, family: Family) -> None:
    waiting = asyncio.create_task(bus.wait(LONG_S))
    await asyncio.sleep(SOON_S)
    assert not waiting.done()
    await bus.publish(family, 1)
    async with asyncio.timeout(LONG_S / 2):
        assert await waiting is True


async def test_a_hint_before_the_wait_ends_it_at_once(bus: HintBus) -> None:
    await bus.publish(Family.JWT, 1)
    async with asyncio.timeout(LONG_S / 2):
        assert await bus.wait(LONG_S) is True


async def test_a_wait_of_no_time_tells_whether_there_was_a_hint(bus: HintBus) -> None:
    assert await bus.wait(0) is False
    await bus.publish(Family.JWT, 1)
    assert await bus.wait(0) is True
    assert await bus.wait(0) is False


async def test_a_hint_ends_one_wait_and_not_the_next(bus: HintBus) -> None:
    await bus.publish(Family.JWT, 1)
    assert await bus.wait(LONG_S) is True
    assert await bus.wait(SOON_S) is False


async def test_hints_between_two_waits_count_as_one(bus: HintBus) -> None:
    for family in (*Family, *Family):
        await bus.publish(family, 1)
    assert await bus.wait(LONG_S) is True
    assert await bus.wait(SOON_S) is False


async def test_a_hint_after_a_wait_that_timed_out_ends_the_next(bus: HintBus) -> None:
    assert await bus.wait(SOON_S) is False
    await bus.publish(Family.AES, 1)
    assert await bus.wait(LONG_S) is True


async def test_one_hint_wakes_everybody_who_waits(bus: HintBus) -> None:
    waiting = [asyncio.create_task(bus.wait(LONG_S)) for _ in range(10)]
    await asyncio.sleep(SOON_S)
    await bus.publish(Family.JWT, 1)
    async with asyncio.timeout(LONG_S / 2):
        assert await asyncio.gather(*waiting) == [True] * 10


async def test_a_wait_that_is_cancelled_as_a_hint_comes_leaves_it_to_the_next(bus: HintBus) -> None:
    waiting = asyncio.create_task(bus.wait(LONG_S))
    await asyncio.sleep(SOON_S)
    bus.wake()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await bus.wait(SOON_S) is True


async def test_publishing_waits_for_nobody_whether_or_not_anybody_listens(bus: HintBus) -> None:
    async with asyncio.timeout(LONG_S / 2):
        for _ in range(1000):
            await bus.publish(Family.JWT, 1)
    busy = asyncio.create_task(_listens_slowly(bus))
    await asyncio.sleep(SOON_S)
    async with asyncio.timeout(LONG_S / 2):
        for _ in range(1000):
            await bus.publish(Family.JWT, 1)
    busy.cancel()
    with pytest.raises(asyncio.CancelledError):
        await busy


async def _listens_slowly(bus: HintBus) -> None:
    await bus.wait(LONG_S)
    await asyncio.sleep(LONG_S)


async def test_a_process_that_is_woken_by_itself_looks_at_once(bus: HintBus) -> None:
    bus.wake()
    assert await bus.wait(LONG_S) is True
    assert await bus.wait(SOON_S) is False


@pytest.fixture
async def two(shared_redis: RedisServer) -> AsyncIterator[tuple[Listener, Listener]]:
    """Two processes that share a Redis, over memory there is one."""
    clock = ManualClock(START)
    async with (
        sharing(shared_redis.url, clock) as first,
        sharing(shared_redis.socket_url, clock) as second,
        listening(first) as one,
        listening(second) as other,
    ):
        yield one, other


@pytest.mark.parametrize("family", Family)
async def test_another_process_hears_that_a_ring_changed(two: tuple[Listener, Listener], family: Family) -> None:
    one, other = two
    await one.bus.publish(family, 7)
    assert await other.bus.wait(LONG_S) is True
    assert other.forgotten == []


@pytest.mark.parametrize("prefix", [PATH, PATH.folder, None], ids=str)
async def test_another_process_hears_what_is_forgotten_once_and_this_one_does_not(
    two: tuple[Listener, Listener], prefix: SecretPath | None
) -> None:
    one, other = two
    await one.shared.cache.forget(prefix)
    assert await other.bus.wait(LONG_S) is True
    assert other.forgotten == [prefix]
    await other.shared.cache.forget(PATH.child("an_end"))
    assert await one.bus.wait(LONG_S) is True
    assert one.forgotten == [PATH.child("an_end")]


async def test_a_generation_that_was_heard_wakes_nobody_again(two: tuple[Listener, Listener]) -> None:
    one, other = two
    await one.bus.publish(Family.JWT, 7)
    assert await other.bus.wait(LONG_S) is True
    for generation in (7, 6):
        await one.bus.publish(Family.JWT, generation)
    assert await other.bus.wait(10 * SOON_S) is False
    await one.bus.publish(Family.JWT, 8)
    assert await other.bus.wait(LONG_S) is True
