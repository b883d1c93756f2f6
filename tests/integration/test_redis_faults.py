"""Whatever becomes of Redis, a secret is still fetched, within bounds of time, and the counts say why it took longer.

The clocks of instances are turned by hand; those of Redis and of the network run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from journal_keys.adapters.redis.caller import FIRST_REST_S, LONGEST_REST_S, NoAnswerError
from journal_keys.adapters.redis.client import TIMEOUT_S
from journal_keys.adapters.redis.counts import Count
from journal_keys.ports.shared_secret_cache import SharedSecret
from tests.support.redis_server import RedisServer
from tests.support.shared import OTHER, PATH, PLACE, TTL, Instance, Store, instance
from tests.support.tcp_proxy import TcpProxy, Trap

VALUE = Store().answer
VALUE_KEY = PLACE.value(PATH)
LONG = timedelta(seconds=LONGEST_REST_S)
_BEAT_S = 0.01


@pytest.fixture
async def one(proxy: TcpProxy) -> AsyncIterator[Instance]:
    """An instance whose Redis is behind the proxy; a busy machine's pause keeps it from nothing."""
    async with instance(proxy.redis_url) as made:
        yield made


@pytest.fixture
async def hasty(proxy: TcpProxy) -> AsyncIterator[Instance]:
    """The same, that waits for an answer as long as applications do."""
    async with instance(proxy.redis_url, deadline_s=TIMEOUT_S) as made:
        yield made


@pytest.fixture
def store() -> Store:
    return Store()


@asynccontextmanager
async def time_outs_at_most(number: int) -> AsyncIterator[None]:
    """What waits for Redis once more fails. Time in which the loop itself stood still is no waiting of anybody."""
    waited = _Waited()
    counting = asyncio.create_task(waited.count())
    async with asyncio.timeout(10):
        yield
    counting.cancel()
    assert waited.seconds < (number + 1) * TIMEOUT_S


@dataclass(slots=True)
class _Waited:
    """Seconds in which the loop was there for whoever had something to do.

    A loop that is kept from running, by the processor or by the disk, finds its timer late: of that one beat counts.
    """

    seconds: float = 0.0

    async def count(self) -> None:
        clock = asyncio.get_running_loop().time
        before = clock()
        while True:
            await asyncio.sleep(_BEAT_S)
            self.seconds += min(clock() - before, 2 * _BEAT_S)
            before = clock()


async def is_shared(server: RedisServer) -> bool:
    """Whether another instance, just started, finds the value in Redis."""
    other = Store(b"what another instance loads by itself")
    async with instance(server.url) as newcomer:
        return await newcomer.fetch(other) == VALUE


async def test_down_at_start(one: Instance, own_redis: RedisServer, store: Store) -> None:
    own_redis.stop()
    async with time_outs_at_most(1):
        assert await one.fetch(store) == VALUE
    assert one.misses() == {Count.UNREACHABLE}
    own_redis.start()
    one.clock.pass_time(timedelta(seconds=FIRST_REST_S))
    one.cache.forget(None)
    assert await one.fetch(store) == VALUE
    assert await is_shared(own_redis)


async def test_going_down(one: Instance, own_redis: RedisServer, store: Store) -> None:
    await one.fetch(store)
    assert await is_shared(own_redis)
    own_redis.stop()
    one.cache.forget(None)
    async with time_outs_at_most(1):
        assert await one.fetch(store) == VALUE
    assert store.loads == 2
    assert one.misses() <= {Count.UNREACHABLE, Count.RESTING}


async def test_connections_that_are_cut(one: Instance, proxy: TcpProxy, store: Store, own_redis: RedisServer) -> None:
    await one.fetch(store)
    for _ in range(3):
        proxy.cut()
        one.cache.forget(None)
        one.clock.pass_time(timedelta(seconds=FIRST_REST_S))
        async with time_outs_at_most(1):
            assert await one.fetch(store) == VALUE
    assert await is_shared(own_redis)


async def test_a_black_hole_costs_one_time_out_and_then_nothing(hasty: Instance, proxy: TcpProxy, store: Store) -> None:
    proxy.is_black_hole = True
    async with time_outs_at_most(1):
        assert await hasty.fetch(store) == VALUE
    assert hasty.counts[Count.TIMED_OUT] == 1
    asked = proxy.connections
    async with time_outs_at_most(1):
        for _ in range(20):
            hasty.cache.forget(None)
            assert await hasty.fetch(store) == VALUE
    assert proxy.connections == asked
    assert hasty.counts[Count.TIMED_OUT] == 1
    hasty.clock.pass_time(timedelta(seconds=FIRST_REST_S))
    hasty.cache.forget(None)
    async with time_outs_at_most(1):
        assert await hasty.fetch(store) == VALUE
    assert hasty.counts[Count.TIMED_OUT] == 2


async def is_shared_again(one: Instance, store: Store) -> None:
    """After a rest what Redis holds is found; only where its answer was late on a busy machine, after another rest."""
    for rest_s in (FIRST_REST_S, *[LONGEST_REST_S] * 5):
        late = one.counts[Count.TIMED_OUT]
        one.clock.pass_time(timedelta(seconds=rest_s))
        one.cache.forget(None)
        assert await one.fetch(store) == VALUE
        if one.counts[Count.HIT] == 1:
            return
        assert one.counts[Count.TIMED_OUT] > late, one.counts
    pytest.fail(f"nothing is found in Redis: {one.counts}")


async def test_a_black_hole_between_two_questions(hasty: Instance, proxy: TcpProxy, store: Store) -> None:
    await hasty.fetch(store)
    proxy.is_black_hole = True
    hasty.cache.forget(None)
    async with time_outs_at_most(1):
        assert await hasty.fetch(store) == VALUE
    proxy.heal()
    await is_shared_again(hasty, store)


async def test_a_black_hole_costs_a_crowd_one_time_out(hasty: Instance, proxy: TcpProxy, store: Store) -> None:
    proxy.is_black_hole = True
    paths = [PATH.folder.child(f"name_{number}") for number in range(300)]
    async with time_outs_at_most(1):
        assert set(await asyncio.gather(*(hasty.fetch(store, path) for path in paths))) == {VALUE}


async def test_a_process_that_stands_still(hasty: Instance, own_redis: RedisServer, store: Store) -> None:
    await hasty.fetch(store)
    own_redis.freeze()
    hasty.cache.forget(None)
    async with time_outs_at_most(1):
        assert await hasty.fetch(store) == VALUE
    own_redis.thaw()
    await is_shared_again(hasty, store)


async def test_a_lost_reply_to_what_keeps_a_value(one: Instance, proxy: TcpProxy, own_redis: RedisServer) -> None:
    vacant = await one.shared.cache.look_up(PATH)
    assert not isinstance(vacant, SharedSecret)
    proxy.replies_to_drop = 1
    async with time_outs_at_most(1):
        await one.shared.cache.keep(vacant, await Store().load(PATH))
    assert one.misses() == {Count.UNREACHABLE}
    assert await is_shared(own_redis)


async def test_a_lost_reply_to_what_forgets_a_value(one: Instance, proxy: TcpProxy, own_redis: RedisServer) -> None:
    await one.fetch(Store())
    proxy.replies_to_drop = 1
    await one.cache.invalidate(PATH)
    assert not await is_shared(own_redis)
    one.clock.pass_time(LONG)
    newer = Store(b"the second answer of the store")
    assert await one.fetch(newer) == newer.answer


async def test_what_could_not_be_forgotten_is_forgotten_before_anything_is_found_again(
    one: Instance, proxy: TcpProxy, store: Store, own_redis: RedisServer
) -> None:
    await one.fetch(store)
    proxy.is_refusing = True
    proxy.cut()
    await one.cache.invalidate(PATH.folder)
    assert await is_shared(own_redis)
    newer = Store(b"the second answer of the store")
    assert await one.fetch(newer) == newer.answer
    proxy.heal()
    one.clock.pass_time(timedelta(seconds=FIRST_REST_S))
    one.cache.forget(None)
    assert await one.fetch(newer) == newer.answer
    assert newer.loads == 2
    async with instance(own_redis.url) as other:
        assert await other.fetch(Store()) == newer.answer


async def test_what_is_owed_is_owed_after_a_cancellation_too(one: Instance, proxy: TcpProxy, store: Store) -> None:
    await one.fetch(store)
    proxy.is_black_hole = True
    forgetting = asyncio.create_task(one.cache.invalidate(PATH))
    await asyncio.sleep(0.05)
    forgetting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forgetting
    proxy.heal()
    newer = Store(b"the second answer of the store")
    assert await one.fetch(newer) == newer.answer


@pytest.mark.processes
async def test_what_is_forgotten_again_while_it_is_being_forgotten_stays_owed_where_that_fails(
    proxy: TcpProxy, own_redis: RedisServer, store: Store
) -> None:
    async with instance(proxy.redis_url) as one, instance(own_redis.url) as other:
        await one.fetch(store)
        proxy.delay_s = 1.0
        first = asyncio.create_task(one.cache.invalidate(PATH))
        while await is_shared(own_redis):  # its answer is under way
            pass
        proxy.trap = Trap(word=b"EVAL", passes=0, has_effect=False)
        assert not first.done()
        await one.cache.invalidate(PATH)
        assert one.counts[Count.UNREACHABLE] == 1
        await first
        proxy.heal()
        await other.fetch(store)
        store.answer = b"what is in the store by now"
        one.clock.pass_time(LONG)
        assert await one.fetch(store) == store.answer


async def test_more_than_can_be_owed_is_everything(one: Instance, own_redis: RedisServer, store: Store) -> None:
    await one.fetch(store)
    own_redis.stop()
    for number in range(100):
        await one.cache.invalidate(PATH.folder.child(f"name_{number}"))
    own_redis.start()
    one.clock.pass_time(LONG)
    one.cache.forget(None)
    newer = Store(b"the second answer of the store")
    assert await one.fetch(newer) == newer.answer


async def test_readonly(one: Instance, admin: Redis, store: Store) -> None:
    await admin.replicaof("127.0.0.1", 1)
    async with time_outs_at_most(1):
        assert await one.fetch(store) == VALUE
    assert one.misses() == {Count.READ_ONLY}


async def test_readonly_with_values_that_a_master_had(one: Instance, admin: Redis, store: Store) -> None:
    await one.fetch(store)
    await admin.replicaof("127.0.0.1", 1)
    one.cache.forget(None)
    assert await one.fetch(store) == VALUE
    assert one.counts[Count.HIT] == 1
    assert await one.fetch(store, OTHER) == VALUE
    assert one.misses() == {Count.READ_ONLY}


async def test_loading(one: Instance, own_redis: RedisServer, admin: Redis, store: Store) -> None:
    await admin.config_set("rdbcompression", "no")
    await admin.mset({f"ballast:{number}": "x" * 100 for number in range(10_000)})
    await admin.save()
    own_redis.stop()
    own_redis.start("key-load-delay 1000", "loading-process-events-interval-bytes 1024")
    async with time_outs_at_most(1):
        assert await one.fetch(store) == VALUE
    assert one.misses() == {Count.LOADING}


async def test_out_of_memory(one: Instance, admin: Redis, store: Store) -> None:
    await one.fetch(store)
    await admin.config_set("maxmemory", "1")
    one.cache.forget(None)
    assert await one.fetch(store) == VALUE
    assert one.counts[Count.HIT] == 1
    async with time_outs_at_most(1):
        assert await one.fetch(store, OTHER) == VALUE
    assert one.misses() == {Count.FULL}


async def test_noauth(one: Instance, proxy: TcpProxy, own_redis: RedisServer, store: Store) -> None:
    own_redis.stop()
    own_redis.start("requirepass a-password-of-16-bytes-or-more")
    async with time_outs_at_most(1):
        assert await one.fetch(store) == VALUE
    assert one.misses() == {Count.DENIED}
    asked = proxy.connections
    one.cache.forget(None)
    await one.fetch(store)
    assert proxy.connections == asked
    assert one.misses() == {Count.DENIED, Count.RESTING}


async def test_a_wrong_password(own_redis: RedisServer, store: Store) -> None:
    own_redis.stop()
    own_redis.start("requirepass a-password-of-16-bytes-or-more")
    url = own_redis.url.replace("//", "//:another-password-of-16-bytes@")
    async with instance(url, deadline_s=TIMEOUT_S) as made, time_outs_at_most(1):
        assert await made.fetch(store) == VALUE
        assert made.misses() == {Count.DENIED}
    async with instance(own_redis.url.replace("//", "//:a-password-of-16-bytes-or-more@")) as made:
        await made.fetch(store)
        assert made.misses() == set()


WRONG_TYPES = {"a value": VALUE_KEY, "the guard": PLACE.guard, "an index": PLACE.index(PATH.folder)}


@pytest.mark.parametrize("name", WRONG_TYPES.values(), ids=WRONG_TYPES)
async def test_wrongtype(one: Instance, admin: Redis, store: Store, name: str) -> None:
    await admin.rpush(name, "an element")
    async with time_outs_at_most(1):
        assert await one.fetch(store) == VALUE
    assert one.misses() == {Count.WRONG_TYPE}
    async with time_outs_at_most(1):
        await one.cache.invalidate(PATH.folder)
    newer = Store(b"the second answer of the store")
    assert await one.fetch(newer) == newer.answer


async def test_a_command_after_a_cancelled_one_does_not_get_its_reply(
    one: Instance, proxy: TcpProxy, admin: Redis
) -> None:
    await admin.mset({"first": "the first reply", "second": "the second reply"})
    await one.shared.call("GET", "first")
    for _ in range(10):
        proxy.delay_s = 0.05
        asking = asyncio.create_task(one.shared.call("GET", "first"))
        await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        proxy.heal()
        assert await one.shared.call("GET", "second") == b"the second reply"


async def test_a_command_after_a_late_one_does_not_get_its_reply(
    hasty: Instance, proxy: TcpProxy, admin: Redis
) -> None:
    await admin.mset({"first": "the first reply", "second": "the second reply"})
    proxy.delay_s = 0.3
    with pytest.raises(NoAnswerError):
        await hasty.shared.call("GET", "first")
    proxy.heal()
    hasty.clock.pass_time(LONG)
    await asyncio.sleep(0.1)
    assert await hasty.shared.call("GET", "second") == b"the second reply"


@pytest.mark.processes
async def test_a_late_answer_is_taken_where_the_deadline_is_later(proxy: TcpProxy) -> None:
    proxy.delay_s = 1.2 * TIMEOUT_S
    async with instance(proxy.redis_url, deadline_s=40 * TIMEOUT_S) as patient:
        assert await patient.shared.call("PING") in (b"PONG", True)
        assert not patient.misses()


async def test_flushall_while_a_load_is_under_way(one: Instance, admin: Redis) -> None:
    vacant = await one.shared.cache.look_up(PATH)
    assert not isinstance(vacant, SharedSecret)
    await admin.flushall()
    await one.shared.cache.keep(vacant, await Store().load(PATH))
    assert one.misses() == {Count.OVERTAKEN}
    assert await admin.keys("*") == []


async def test_flushall_between_an_invalidation_and_the_end_of_a_load_from_before_it(
    one: Instance, admin: Redis, own_redis: RedisServer
) -> None:
    vacant = await one.shared.cache.look_up(PATH)
    assert not isinstance(vacant, SharedSecret)
    await one.shared.cache.forget(PATH)
    await admin.flushall()
    await one.shared.cache.look_up(OTHER)
    await one.shared.cache.keep(vacant, await Store().load(PATH))
    assert not await is_shared(own_redis)


async def test_flushall_in_rest(one: Instance, admin: Redis, store: Store, own_redis: RedisServer) -> None:
    await one.fetch(store)
    await admin.flushall()
    one.cache.forget(None)
    assert await one.fetch(store) == VALUE
    assert await is_shared(own_redis)
    assert one.misses() == set()


async def snapshot(admin: Redis) -> dict[bytes | str, bytes]:
    return {key: dumped for key in await admin.keys("*") if (dumped := await admin.dump(key)) is not None}


async def restore(admin: Redis, dump: dict[bytes | str, bytes]) -> None:
    """Put everything back, without any time to live."""
    await admin.flushall()
    for key, dumped in dump.items():
        await admin.restore(key, 0, dumped)


async def test_a_restored_old_snapshot(one: Instance, admin: Redis) -> None:
    await one.fetch(Store())
    old = await snapshot(admin)
    await one.cache.invalidate(PATH)
    newer = Store(b"the second answer of the store")
    await one.fetch(newer)
    await restore(admin, old)
    one.clock.pass_time(TTL)
    assert await one.fetch(newer) == newer.answer
    assert newer.loads == 2
    assert one.misses() == {Count.EXPIRED}


async def test_a_value_from_a_host_whose_clock_is_ahead(one: Instance, own_redis: RedisServer, store: Store) -> None:
    async with instance(own_redis.url) as ahead:
        ahead.clock.step_wall(timedelta(seconds=6))
        await ahead.fetch(store)
    assert await one.fetch(store) == VALUE
    assert store.loads == 2
    assert one.misses() == {Count.FROM_THE_FUTURE}


async def test_a_value_from_a_host_whose_clock_is_a_little_ahead(
    one: Instance, own_redis: RedisServer, store: Store
) -> None:
    async with instance(own_redis.url) as ahead:
        ahead.clock.step_wall(timedelta(seconds=4))
        await ahead.fetch(store)
    assert await one.fetch(store) == VALUE
    assert one.counts[Count.HIT] == 1


async def test_an_instance_with_a_shorter_time_to_live_takes_no_older_value(
    own_redis: RedisServer, store: Store
) -> None:
    async with instance(own_redis.url) as longer, instance(own_redis.url, ttl=TTL / 4) as shorter:
        await longer.fetch(store)
        shorter.clock.pass_time(TTL / 4)
        await shorter.fetch(store)
        assert shorter.misses() == {Count.EXPIRED}


@pytest.mark.parametrize("position", [*range(8), 20, 60, 100])
async def test_a_flipped_bit(hasty: Instance, proxy: TcpProxy, store: Store, position: int) -> None:
    await hasty.fetch(store)
    for bit in range(0, 8, 2):
        hasty.cache.forget(None)
        hasty.clock.pass_time(timedelta(milliseconds=1))
        hasty.shared.call.breaker._opened_s = None  # noqa: SLF001 (each bit is to be tried, not refused)
        proxy.flip_bit_of_reply(position, bit)
        async with time_outs_at_most(4):
            assert await hasty.fetch(store) == VALUE
        proxy.heal()
        proxy.cut()


async def test_a_throttled_connection(hasty: Instance, proxy: TcpProxy, store: Store) -> None:
    await hasty.fetch(store)
    proxy.bytes_per_s = 100
    hasty.cache.forget(None)
    async with time_outs_at_most(1):
        assert await hasty.fetch(store) == VALUE
    assert hasty.misses() == {Count.TIMED_OUT}


async def test_a_slow_redis(one: Instance, proxy: TcpProxy, store: Store) -> None:
    proxy.delay_s = 0.04  # twice on a new connection, which is asked for a sign of life first
    async with time_outs_at_most(3):
        assert await one.fetch(store) == VALUE
    one.cache.forget(None)
    async with time_outs_at_most(1):
        assert await one.fetch(store) == VALUE
    assert one.counts[Count.HIT] == 1


FOREIGN: dict[str, tuple[Callable[[bytes], bytes], Count]] = {
    "words": (lambda _: b"hello", Count.MALFORMED),
    "bytes that are no text": (lambda _: b"\xff" * 99, Count.MALFORMED),
    "a cut value": (lambda kept: kept[:-8], Count.FORGED),
    "the head of a value": (lambda kept: kept[:40], Count.MALFORMED),
    "a changed byte": (lambda kept: kept[:-9] + (b"B" if kept[-9:-8] == b"A" else b"A") + kept[-8:], Count.FORGED),
    "too much": (lambda kept: kept + b"A" * 100_000, Count.OVERSIZED),
    "a gigabyte's beginning": (lambda _: b"A" * 5_000_000, Count.OVERSIZED),
}


@pytest.mark.parametrize(("change", "reason"), FOREIGN.values(), ids=FOREIGN)
async def test_a_foreign_or_forged_value(
    one: Instance, admin: Redis, store: Store, change: Callable[[bytes], bytes], reason: Count
) -> None:
    await one.fetch(store)
    kept = await admin.get(VALUE_KEY)
    assert isinstance(kept, bytes)
    await admin.set(VALUE_KEY, change(kept))
    one.cache.forget(None)
    async with time_outs_at_most(1):
        assert await one.fetch(store) == VALUE
    assert store.loads == 2
    assert one.misses() == {reason}


async def test_the_value_of_another_path(one: Instance, admin: Redis) -> None:
    await one.fetch(Store())
    await admin.rename(VALUE_KEY, PLACE.value(OTHER))
    other = Store(b"the other answer of the store")
    assert await one.fetch(other, OTHER) == other.answer
    assert one.misses() == {Count.FORGED}


async def test_a_thousand_concurrent_misses_are_one_load(one: Instance, store: Store) -> None:
    assert set(await asyncio.gather(*(one.fetch(store) for _ in range(1000)))) == {VALUE}
    assert store.loads == 1
    one.cache.forget(None)
    assert set(await asyncio.gather(*(one.fetch(store) for _ in range(1000)))) == {VALUE}
    assert store.loads == 1
    assert one.counts[Count.HIT] == 1
