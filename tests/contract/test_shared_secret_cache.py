"""One test per sentence of `ports.shared_secret_cache`, for every adapter, by two instances that share one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.shared_secret_cache import MemorySharedSecretCache, NotShared
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import KNOWN_SECRETS, SecretPath, is_owned
from journal_keys.ports.shared_secret_cache import SharedSecret, SharedSecretCache, Vacancy
from tests.support.redis_server import RedisServer
from tests.support.shared import OTHER, PATH, START, TTL, sharing

INSTANT = timedelta(milliseconds=1)
JITTER = 0.8
VALUE = b"a value of at least 16 bytes"


@dataclass(frozen=True)
class Pair:
    """Two instances."""

    one: SharedSecretCache
    two: SharedSecretCache


Factory: TypeAlias = Callable[[pytest.FixtureRequest, ManualClock], AbstractAsyncContextManager[Pair]]


@asynccontextmanager
async def in_memory(_request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Pair]:
    cache = MemorySharedSecretCache(clock, TTL)
    yield Pair(cache, cache)


@asynccontextmanager
async def in_redis(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Pair]:
    server: RedisServer = request.getfixturevalue("shared_redis")
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(sharing(server.url, clock))
        two = await stack.enter_async_context(sharing(server.socket_url, clock))
        yield Pair(one.cache, two.cache)


FACTORIES = (pytest.param(in_memory, id="in memory"), pytest.param(in_redis, id="in Redis"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=FACTORIES)
async def pair(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Pair]:
    factory: Factory = request.param
    async with factory(request, clock) as made:
        yield made


async def vacancy(cache: SharedSecretCache, path: SecretPath = PATH) -> Vacancy:
    found = await cache.look_up(path)
    assert isinstance(found, Vacancy)
    return found


async def kept(cache: SharedSecretCache, path: SecretPath = PATH, value: bytes = VALUE) -> None:
    await cache.keep(await vacancy(cache, path), KeyMaterial(value))


async def found(cache: SharedSecretCache, path: SecretPath = PATH) -> bytes | None:
    held = await cache.look_up(path)
    return expose(held.value) if isinstance(held, SharedSecret) else None


@pytest.mark.parametrize("made", [NotShared(), MemorySharedSecretCache(ManualClock(START), TTL)])
def test_it_is_a_shared_secret_cache(made: SharedSecretCache) -> None:
    assert isinstance(made, SharedSecretCache)


def test_every_adapter_is_one(pair: Pair) -> None:
    assert isinstance(pair.one, SharedSecretCache)


async def test_what_nobody_kept_is_vacant(pair: Pair) -> None:
    assert (await vacancy(pair.one)).path == PATH


async def test_what_one_kept_all_find(pair: Pair) -> None:
    await kept(pair.one)
    assert await found(pair.one) == VALUE
    assert await found(pair.two) == VALUE


@pytest.mark.parametrize("value", [b"", b"\x00\xff" * 9, b"x" * 65536], ids=["nothing", "no text", "64 KiB"])
async def test_a_value_is_found_as_it_was_kept(pair: Pair, value: bytes) -> None:
    await kept(pair.one, value=value)
    assert await found(pair.two) == value


async def test_each_path_has_its_own_value(pair: Pair) -> None:
    await kept(pair.one)
    assert await found(pair.one, OTHER) is None
    await kept(pair.two, OTHER, b"the value of another path")
    assert await found(pair.one) == VALUE
    assert await found(pair.one, OTHER) == b"the value of another path"


async def test_a_value_is_found_within_its_time(pair: Pair, clock: ManualClock) -> None:
    await kept(pair.one)
    clock.pass_time(TTL * JITTER - INSTANT)
    assert await found(pair.two) == VALUE


async def test_after_its_time_a_value_is_not_found(pair: Pair, clock: ManualClock) -> None:
    await kept(pair.one)
    clock.pass_time(TTL)
    assert await found(pair.two) is None


async def test_a_value_tells_how_long_ago_it_was_asked_for(pair: Pair, clock: ManualClock) -> None:
    place = await vacancy(pair.one)
    clock.pass_time(TTL / 4)
    await pair.one.keep(place, KeyMaterial(VALUE))
    clock.pass_time(TTL / 4)
    held = await pair.two.look_up(PATH)
    assert isinstance(held, SharedSecret)
    assert held.age_s == pytest.approx(TTL.total_seconds() / 2)


async def test_what_took_longer_to_load_than_it_is_good_is_not_found(pair: Pair, clock: ManualClock) -> None:
    place = await vacancy(pair.one)
    clock.pass_time(TTL)
    await pair.one.keep(place, KeyMaterial(VALUE))
    assert await found(pair.two) is None


FORGOTTEN = {
    "the path itself": ("/database/one/name", True),
    "its folder": ("/database/one", True),
    "the folder above": ("/database", True),
    "everything": (None, True),
    "a name that begins alike": ("/database/one/nam", False),
    "a folder that begins alike": ("/database/on", False),
    "a path below it": ("/database/one/name/more", False),
    "another tree": ("/infrastructure", False),
}


@pytest.mark.parametrize(("prefix", "is_gone"), FORGOTTEN.values(), ids=FORGOTTEN)
async def test_a_path_and_all_below_it_are_forgotten_for_everybody(
    pair: Pair,
    prefix: str | None,
    is_gone: bool,  # noqa: FBT001 (a table of cases)
) -> None:
    path = SecretPath.parse("/database/one/name")
    await kept(pair.one, path)
    await pair.two.forget(None if prefix is None else SecretPath.parse(prefix))
    assert await found(pair.one, path) == (None if is_gone else VALUE)


async def test_what_was_forgotten_may_be_kept_again(pair: Pair) -> None:
    for number in range(3):
        value = b"a value of at least 16 bytes, number %d" % number
        await kept(pair.one, value=value)
        assert await found(pair.two) == value
        await pair.two.forget(PATH.folder)
        assert await found(pair.one) is None


@pytest.mark.parametrize("prefix", [PATH, PATH.folder, None, OTHER], ids=["it", "its folder", "all", "another"])
async def test_a_load_that_was_under_way_when_something_was_forgotten_is_not_kept(
    pair: Pair, prefix: SecretPath | None
) -> None:
    place = await vacancy(pair.one)
    await pair.two.forget(prefix)
    await pair.one.keep(place, KeyMaterial(VALUE))
    assert await found(pair.one) is None
    await kept(pair.one)
    assert await found(pair.two) == VALUE


async def test_a_vacancy_without_a_mark_keeps_nothing(pair: Pair) -> None:
    place = await vacancy(pair.one)
    await pair.one.keep(Vacancy(path=place.path, since_unix_s=place.since_unix_s), KeyMaterial(VALUE))
    assert await found(pair.one) is None


OWNED = [
    *(path for path in KNOWN_SECRETS if is_owned(path)),
    *map(SecretPath.parse, ("/auth/jwt/versions/jwt_x", "/auth/aes/versions/aes_x", "/database/_journal_keys")),
]


@pytest.mark.parametrize("path", OWNED, ids=str)
async def test_what_a_ring_owns_is_never_kept(pair: Pair, path: SecretPath) -> None:
    place = await vacancy(pair.one, path)
    mark = (await vacancy(pair.one)).mark
    await pair.one.keep(Vacancy(path=path, since_unix_s=place.since_unix_s, mark=mark), KeyMaterial(VALUE))
    assert await found(pair.one, path) is None
    assert await found(pair.two, path) is None


async def test_where_nothing_is_shared_nothing_is_found() -> None:
    cache = NotShared()
    await kept(cache)
    await cache.forget(None)
    assert await found(cache) is None
