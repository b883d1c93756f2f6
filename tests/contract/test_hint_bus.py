"""One test per sentence of `ports.hint_bus`, for every adapter."""

import asyncio
from collections.abc import Callable

import pytest

from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.domain.keys import Family
from journal_keys.ports.hint_bus import HintBus

SOON_S = 0.01
LONG_S = 30.0

FACTORIES = (pytest.param(MemoryHintBus, id="in memory"),)


@pytest.fixture(params=FACTORIES)
def bus(request: pytest.FixtureRequest) -> HintBus:
    factory: Callable[[], HintBus] = request.param
    return factory()


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
    await bus.publish(family)
    async with asyncio.timeout(LONG_S / 2):
        assert await waiting is True


async def test_a_hint_before_the_wait_ends_it_at_once(bus: HintBus) -> None:
    await bus.publish(Family.JWT)
    async with asyncio.timeout(LONG_S / 2):
        assert await bus.wait(LONG_S) is True


async def test_a_wait_of_no_time_tells_whether_there_was_a_hint(bus: HintBus) -> None:
    assert await bus.wait(0) is False
    await bus.publish(Family.JWT)
    assert await bus.wait(0) is True
    assert await bus.wait(0) is False


async def test_a_hint_ends_one_wait_and_not_the_next(bus: HintBus) -> None:
    await bus.publish(Family.JWT)
    assert await bus.wait(LONG_S) is True
    assert await bus.wait(SOON_S) is False


async def test_hints_between_two_waits_count_as_one(bus: HintBus) -> None:
    for family in (*Family, *Family):
        await bus.publish(family)
    assert await bus.wait(LONG_S) is True
    assert await bus.wait(SOON_S) is False


async def test_a_hint_after_a_wait_that_timed_out_ends_the_next(bus: HintBus) -> None:
    assert await bus.wait(SOON_S) is False
    await bus.publish(Family.AES)
    assert await bus.wait(LONG_S) is True


async def test_one_hint_wakes_everybody_who_waits(bus: HintBus) -> None:
    waiting = [asyncio.create_task(bus.wait(LONG_S)) for _ in range(10)]
    await asyncio.sleep(SOON_S)
    await bus.publish(Family.JWT)
    async with asyncio.timeout(LONG_S / 2):
        assert await asyncio.gather(*waiting) == [True] * 10


async def test_a_wait_that_is_cancelled_as_a_hint_comes_leaves_it_to_the_next(bus: HintBus) -> None:
    waiting = asyncio.create_task(bus.wait(LONG_S))
    await asyncio.sleep(SOON_S)
    await bus.publish(Family.JWT)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await bus.wait(SOON_S) is True


async def test_publishing_waits_for_nobody_whether_or_not_anybody_listens(bus: HintBus) -> None:
    async with asyncio.timeout(LONG_S / 2):
        for _ in range(1000):
            await bus.publish(Family.JWT)
    busy = asyncio.create_task(_listens_slowly(bus))
    await asyncio.sleep(SOON_S)
    async with asyncio.timeout(LONG_S / 2):
        for _ in range(1000):
            await bus.publish(Family.JWT)
    busy.cancel()
    with pytest.raises(asyncio.CancelledError):
        await busy


async def _listens_slowly(bus: HintBus) -> None:
    await bus.wait(LONG_S)
    await asyncio.sleep(LONG_S)
