"""One test per sentence of `ports.secret_cache`, for every adapter."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.clock import Clock
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import (
    SecretHiddenError,
    SecretNotFoundError,
    SecretStoreDeniedError,
    SecretStoreError,
    SecretStoreProtocolError,
    SecretStoreUnavailableError,
)
from tests.support.redis_server import RedisServer
from tests.support.shared import sharing

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
TTL = timedelta(seconds=60)
STALE_BOUND = timedelta(seconds=300)
INSTANT = timedelta(milliseconds=1)
PATH = SecretPath.parse("/database/db_url_async")
OTHER = SecretPath.parse("/database/db_url_sync")
FAILURES = {
    "denied": SecretStoreDeniedError("denied"),
    "hidden": SecretHiddenError("hidden"),
    "no answer": SecretStoreUnavailableError("no answer"),
    "a broken protocol": SecretStoreProtocolError("corrupt"),
}
NO_ANSWER = FAILURES["no answer"]

Factory: TypeAlias = Callable[[pytest.FixtureRequest, Clock], AbstractAsyncContextManager[SecretCache]]


@asynccontextmanager
async def in_memory(_request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[SecretCache]:
    yield MemorySecretCache(clock, TTL, STALE_BOUND)


@asynccontextmanager
async def before_redis(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[SecretCache]:
    server: RedisServer = request.getfixturevalue("shared_redis")
    async with sharing(server.url, clock) as shared:
        yield MemorySecretCache(clock, TTL, STALE_BOUND, shared.cache)


FACTORIES = (pytest.param(in_memory, id="in memory"), pytest.param(before_redis, id="in memory before Redis"))


@dataclass
class Source:
    """What is loaded from: it counts, fails on demand, and answers late while its gate is closed."""

    answer: bytes | SecretStoreError = b"first"
    loads: list[SecretPath] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def load(self, path: SecretPath) -> KeyMaterial:
        """Give the answer that stood when the load began."""
        self.loads.append(path)
        self.begun.set()
        answer = self.answer
        await self.gate.wait()
        if isinstance(answer, SecretStoreError):
            raise answer
        return KeyMaterial(answer)


@pytest.fixture
def clock() -> ManualClock:
    booted_before = ManualClock(START)
    booted_before.pass_time(timedelta(days=3))
    return booted_before


@pytest.fixture(params=FACTORIES)
async def cache(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[SecretCache]:
    factory: Factory = request.param
    async with factory(request, clock) as made:
        yield made


@pytest.fixture
def source() -> Source:
    return Source()


async def got(cache: SecretCache, source: Source, path: SecretPath = PATH) -> bytes:
    return expose(await cache.get(path, source.load))


async def under_way(cache: SecretCache, source: Source, path: SecretPath = PATH) -> "asyncio.Task[bytes]":
    """A caller whose load has begun and waits for the gate."""
    source.begun.clear()
    source.gate.clear()
    task = asyncio.create_task(got(cache, source, path))
    await source.begun.wait()
    return task


async def never(path: SecretPath) -> KeyMaterial:
    await asyncio.Event().wait()
    raise SecretNotFoundError(str(path))


def heard() -> list[str]:
    """What the loop complains about from now on: tasks that died unfinished, failures that nobody looked at."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    return complaints


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_it_is_a_secret_cache(cache: SecretCache) -> None:
    assert isinstance(cache, SecretCache)


async def test_a_path_that_was_never_read_is_loaded_by_its_name(cache: SecretCache, source: Source) -> None:
    assert await got(cache, source) == b"first"
    assert source.loads == [PATH]


async def test_within_its_time_a_value_is_not_loaded_again(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    source.answer = b"second"
    clock.pass_time(TTL - INSTANT)
    assert await got(cache, source) == b"first"
    assert len(source.loads) == 1


async def test_at_the_end_of_its_time_a_value_is_loaded_again(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    source.answer = b"second"
    clock.pass_time(TTL)
    assert await got(cache, source) == b"second"


async def test_a_step_of_wall_time_neither_shortens_nor_lengthens_a_values_time(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    source.answer = b"second"
    clock.step_wall(timedelta(days=365))
    assert await got(cache, source) == b"first"
    clock.step_wall(timedelta(days=-730))
    clock.pass_time(TTL)
    assert await got(cache, source) == b"second"


async def test_a_values_time_begins_when_its_load_began(cache: SecretCache, source: Source, clock: ManualClock) -> None:
    slow = await under_way(cache, source)
    clock.pass_time(TTL)
    source.gate.set()
    assert await slow == b"first"
    source.answer = b"second"
    assert await got(cache, source) == b"second"


async def test_each_path_has_its_own_value(cache: SecretCache, source: Source) -> None:
    await got(cache, source)
    source.answer = b"second"
    assert await got(cache, source, OTHER) == b"second"
    assert await got(cache, source) == b"first"


async def test_callers_that_miss_at_the_same_time_share_one_load(cache: SecretCache, source: Source) -> None:
    assert await asyncio.gather(*(got(cache, source) for _ in range(1_000))) == [b"first"] * 1_000
    assert len(source.loads) == 1


async def test_callers_of_an_expired_value_share_one_load(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    clock.pass_time(TTL)
    await asyncio.gather(*(got(cache, source) for _ in range(50)))
    assert len(source.loads) == 2


async def test_callers_of_different_paths_do_not_wait_for_each_other(cache: SecretCache, source: Source) -> None:
    slow = await under_way(cache, source)
    assert await got(cache, Source(b"other"), OTHER) == b"other"
    assert not slow.done()
    source.gate.set()
    assert await slow == b"first"


async def test_cancelling_the_first_caller_does_not_hurt_the_others(cache: SecretCache, source: Source) -> None:
    first = await under_way(cache, source)
    second = asyncio.create_task(got(cache, source))
    await settle()
    first.cancel()
    await settle()
    assert first.cancelled()
    source.gate.set()
    assert await second == b"first"
    assert len(source.loads) == 1


async def test_when_every_caller_is_cancelled_the_next_one_is_still_answered(
    cache: SecretCache, source: Source
) -> None:
    first = await under_way(cache, source)
    first.cancel()
    await settle()
    gc.collect()
    source.gate.set()
    assert await got(cache, source) == b"first"


async def test_a_load_that_fails_after_its_callers_left_says_nothing(cache: SecretCache, source: Source) -> None:
    source.answer = NO_ANSWER
    first = await under_way(cache, source)
    complaints = heard()
    first.cancel()
    await settle()
    del first  # its traceback holds the load
    source.gate.set()
    await settle()
    gc.collect()
    assert complaints == []


async def test_a_load_that_nobody_waits_for_and_nobody_keeps_goes_on(cache: SecretCache) -> None:
    complaints = heard()
    first = asyncio.create_task(cache.get(PATH, never))
    await settle()
    await cache.invalidate(PATH)
    first.cancel()
    await settle()
    del first  # its traceback holds the load
    gc.collect()
    assert complaints == []


async def test_callers_that_share_a_load_share_its_failure(cache: SecretCache, source: Source) -> None:
    source.answer = NO_ANSWER
    failures = await asyncio.gather(*(got(cache, source) for _ in range(3)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [SecretStoreUnavailableError] * 3
    assert len(source.loads) == 1


async def test_a_failure_is_not_cached(cache: SecretCache, source: Source) -> None:
    source.answer = NO_ANSWER
    with pytest.raises(SecretStoreUnavailableError):
        await got(cache, source)
    source.answer = b"second"
    assert await got(cache, source) == b"second"


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_when_a_load_fails_a_value_within_the_stale_bound_is_given(
    cache: SecretCache, source: Source, clock: ManualClock, failure: SecretStoreError
) -> None:
    await got(cache, source)
    source.answer = failure
    clock.pass_time(TTL + STALE_BOUND - INSTANT)
    assert await got(cache, source) == b"first"
    assert len(source.loads) == 2


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_when_a_load_fails_a_value_beyond_the_stale_bound_is_not_given(
    cache: SecretCache, source: Source, clock: ManualClock, failure: SecretStoreError
) -> None:
    await got(cache, source)
    source.answer = failure
    clock.pass_time(TTL + STALE_BOUND)
    with pytest.raises(type(failure)):
        await got(cache, source)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_when_a_load_fails_and_there_never_was_a_value_the_failure_is_told(
    cache: SecretCache, source: Source, failure: SecretStoreError
) -> None:
    source.answer = failure
    with pytest.raises(type(failure)):
        await got(cache, source)


async def test_the_age_of_a_stale_value_grows_while_its_load_fails_slowly(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    clock.pass_time(TTL + STALE_BOUND - INSTANT)
    source.answer = NO_ANSWER
    slow = await under_way(cache, source)
    clock.pass_time(INSTANT)
    source.gate.set()
    with pytest.raises(SecretStoreUnavailableError):
        await slow


async def test_a_stale_value_is_given_for_one_failure_and_does_not_become_fresh(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    clock.pass_time(TTL)
    source.answer = NO_ANSWER
    await got(cache, source)
    source.answer = b"second"
    assert await got(cache, source) == b"second"


async def test_a_secret_that_is_gone_is_not_given_from_a_stale_value(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    clock.pass_time(TTL)
    source.answer = SecretNotFoundError("gone")
    with pytest.raises(SecretNotFoundError):
        await got(cache, source)


async def test_a_secret_that_was_found_gone_stays_so_when_the_store_fails_next(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    clock.pass_time(TTL)
    source.answer = SecretNotFoundError("gone")
    with pytest.raises(SecretNotFoundError):
        await got(cache, source)
    source.answer = NO_ANSWER
    with pytest.raises(SecretStoreUnavailableError):
        await got(cache, source)


async def test_a_value_kept_as_stale_is_given_only_when_a_load_fails(cache: SecretCache, source: Source) -> None:
    cache.keep_stale(PATH, KeyMaterial(b"kept"), timedelta(0))
    assert cache.peek(str(PATH)) is None
    assert await got(cache, source) == b"first"
    assert await got(cache, source) == b"first"
    assert len(source.loads) == 1


@pytest.mark.parametrize("age", [timedelta(0), TTL, STALE_BOUND - INSTANT])
async def test_a_value_kept_as_stale_stands_in_for_errors_until_the_stale_bound_since_it_was_read(
    cache: SecretCache, source: Source, clock: ManualClock, age: timedelta
) -> None:
    cache.keep_stale(PATH, KeyMaterial(b"kept"), age)
    source.answer = NO_ANSWER
    clock.pass_time(STALE_BOUND - age - INSTANT)
    assert await got(cache, source) == b"kept"
    clock.pass_time(INSTANT)
    with pytest.raises(SecretStoreUnavailableError):
        await got(cache, source)


async def test_a_value_kept_as_stale_is_not_given_for_a_secret_that_is_gone(cache: SecretCache, source: Source) -> None:
    cache.keep_stale(PATH, KeyMaterial(b"kept"), timedelta(0))
    source.answer = SecretNotFoundError("gone")
    with pytest.raises(SecretNotFoundError):
        await got(cache, source)


async def test_a_value_that_may_be_given_for_longer_is_not_replaced_by_a_stale_one(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    await got(cache, source)
    cache.keep_stale(PATH, KeyMaterial(b"kept"), timedelta(0))
    assert cache.peek(str(PATH)) == "first"
    cache.keep_stale(OTHER, KeyMaterial(b"younger"), timedelta(0))
    cache.keep_stale(OTHER, KeyMaterial(b"older"), INSTANT)
    source.answer = NO_ANSWER
    assert await got(cache, source, OTHER) == b"younger"
    clock.pass_time(INSTANT)
    cache.keep_stale(OTHER, KeyMaterial(b"youngest"), timedelta(0))
    assert await got(cache, source, OTHER) == b"youngest"


FORGOTTEN = {
    "the secret itself": ("/auth/jwt/current_private_key", 1),
    "its folder": ("/auth/jwt", 2),
    "the folder above": ("/auth", 3),
    "a name that begins alike": ("/auth/jwt/current", 0),
    "another tree": ("/database", 0),
}


@pytest.mark.parametrize(("prefix", "gone"), FORGOTTEN.values(), ids=FORGOTTEN)
async def test_a_path_and_all_below_it_are_forgotten_and_counted(
    cache: SecretCache, source: Source, prefix: str, gone: int
) -> None:
    paths = [
        SecretPath.parse(text)
        for text in ("/auth/jwt/current_private_key", "/auth/jwt/versions/k1", "/auth/jwt_old/current_private_key")
    ]
    for path in paths:
        await got(cache, source, path)
    assert await cache.invalidate(SecretPath.parse(prefix)) == gone
    for path in paths:
        await got(cache, source, path)
    reloaded = source.loads[len(paths) :]
    assert reloaded == [path for path in paths if path.is_within(SecretPath.parse(prefix))]
    assert len(reloaded) == gone


async def test_everything_is_forgotten_where_no_path_is_named(cache: SecretCache, source: Source) -> None:
    for path in (PATH, OTHER):
        await got(cache, source, path)
    assert await cache.invalidate(None) == 2
    slow = await under_way(cache, source)
    assert await cache.invalidate(None) == 0
    source.answer = b"second"
    source.gate.set()
    await slow
    assert await got(cache, source) == b"second"


async def test_forgetting_twice_forgets_nothing_more(cache: SecretCache, source: Source) -> None:
    await got(cache, source)
    assert await cache.invalidate(PATH) == 1
    assert await cache.invalidate(PATH) == 0


@pytest.mark.parametrize(("prefix", "gone"), FORGOTTEN.values(), ids=FORGOTTEN)
async def test_what_another_instance_forgot_is_forgotten_here_and_counted(
    cache: SecretCache, source: Source, prefix: str, gone: int
) -> None:
    for text in ("/auth/jwt/current_private_key", "/auth/jwt/versions/k1", "/auth/jwt_old/current_private_key"):
        await got(cache, source, SecretPath.parse(text))
    assert cache.forget(SecretPath.parse(prefix)) == gone
    assert cache.forget(None) == 3 - gone
    assert cache.forget(None) == 0


async def test_a_load_under_way_while_another_instance_forgot_is_not_in_memory_afterwards(
    cache: SecretCache, source: Source
) -> None:
    slow = await under_way(cache, source)
    assert cache.forget(PATH.folder) == 0
    source.gate.set()
    assert await slow == b"first"
    assert cache.peek(str(PATH)) is None


async def test_a_forgotten_value_does_not_stand_in_for_an_error(cache: SecretCache, source: Source) -> None:
    await got(cache, source)
    await cache.invalidate(PATH)
    source.answer = NO_ANSWER
    with pytest.raises(SecretStoreUnavailableError):
        await got(cache, source)


async def test_a_load_under_way_is_given_to_its_caller_and_not_kept(cache: SecretCache, source: Source) -> None:
    slow = await under_way(cache, source)
    assert await cache.invalidate(PATH.folder) == 0
    source.answer = b"second"
    source.gate.set()
    assert await slow == b"first"
    assert await got(cache, source) == b"second"


async def test_a_caller_after_an_invalidation_does_not_join_the_load_from_before(
    cache: SecretCache, source: Source
) -> None:
    before = await under_way(cache, source)
    await cache.invalidate(PATH)
    assert await got(cache, Source(b"second")) == b"second"
    source.gate.set()
    assert await before == b"first"
    assert await got(cache, source) == b"second"


async def test_the_end_of_a_load_from_before_an_invalidation_does_not_split_the_callers_of_the_next(
    cache: SecretCache, source: Source
) -> None:
    before = await under_way(cache, source)
    await cache.invalidate(PATH)
    newer = Source(b"second")
    after = await under_way(cache, newer)
    source.gate.set()
    await before
    joined = asyncio.create_task(got(cache, newer))
    await settle()
    newer.gate.set()
    assert (await after, await joined) == (b"second", b"second")
    assert len(newer.loads) == 1


@pytest.mark.parametrize("failure", [SecretNotFoundError("gone"), NO_ANSWER], ids=["not found", "no answer"])
async def test_a_load_from_before_an_invalidation_that_fails_leaves_the_newer_value(
    cache: SecretCache, source: Source, failure: SecretStoreError
) -> None:
    source.answer = failure
    before = await under_way(cache, source)
    await cache.invalidate(PATH)
    await got(cache, Source(b"second"))
    source.gate.set()
    await asyncio.gather(before, return_exceptions=True)
    source.answer = b"third"
    assert await got(cache, source) == b"second"


async def test_an_invalidation_of_another_path_leaves_a_load_under_way(cache: SecretCache, source: Source) -> None:
    slow = await under_way(cache, source)
    await cache.invalidate(OTHER)
    source.gate.set()
    await slow
    await got(cache, source)
    assert len(source.loads) == 1


async def test_of_more_secrets_than_the_cache_holds_each_is_given_and_the_oldest_are_no_longer_in_memory(
    cache: SecretCache, source: Source
) -> None:
    paths = [PATH.folder.child(f"secret_{number}") for number in range(4200)]
    for path in [*paths, *paths[:10]]:
        assert await got(cache, source, path) == b"first"
    assert cache.peek(str(paths[10])) is None
    assert cache.peek(str(paths[-1])) == "first"


async def test_a_peek_gives_the_text_within_its_time_and_loads_nothing(
    cache: SecretCache, source: Source, clock: ManualClock
) -> None:
    assert cache.peek(str(PATH)) is None
    await got(cache, source)
    clock.pass_time(TTL - INSTANT)
    assert cache.peek(str(PATH)) == "first"
    clock.pass_time(INSTANT)
    assert cache.peek(str(PATH)) is None
    assert len(source.loads) == 1


async def test_a_peek_sees_nothing_that_was_forgotten(cache: SecretCache, source: Source) -> None:
    await got(cache, source)
    await cache.invalidate(PATH.folder)
    assert cache.peek(str(PATH)) is None


async def test_a_peek_sees_nothing_that_was_loaded_before_it_was_forgotten(cache: SecretCache, source: Source) -> None:
    slow = await under_way(cache, source)
    await cache.invalidate(PATH)
    source.gate.set()
    await slow
    assert cache.peek(str(PATH)) is None


@pytest.mark.parametrize("path", ["", "/database", "database/db_url_async", None, [], 7], ids=repr)
async def test_a_peek_at_what_is_no_cached_path_sees_nothing(cache: SecretCache, source: Source, path: Any) -> None:  # noqa: ANN401
    await got(cache, source)
    assert cache.peek(path) is None


async def test_a_peek_sees_no_bytes_that_are_no_text(cache: SecretCache) -> None:
    await got(cache, Source(b"\xff"))
    assert cache.peek(str(PATH)) is None
