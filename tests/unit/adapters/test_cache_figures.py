"""What the cache in memory counts: each fetch once, by what answered it."""

from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.domain.labels import OTHER
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.meter import Source
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStoreUnavailableError
from journal_keys.ports.shared_secret_cache import Found, SharedSecret, SharedSecretCache, Vacancy

PATH = SecretPath.parse("/database/db_url_async")
LABEL = str(PATH)
TTL = timedelta(seconds=60)
STALE_BOUND = timedelta(seconds=300)
DOWN = SecretStoreUnavailableError("no answer")


class Full(SharedSecretCache):
    """Others read every secret already."""

    async def look_up(self, path: SecretPath) -> Found:
        assert path == PATH
        return SharedSecret(value=KeyMaterial(b"read by another"), age_s=1)

    async def keep(self, vacancy: Vacancy, value: KeyMaterial) -> None:
        raise AssertionError((vacancy, value))

    async def forget(self, prefix: SecretPath | None) -> None:
        assert prefix is None


class Store:
    """Gives a secret, or fails."""

    failure: Exception | None = None

    async def load(self, _path: SecretPath) -> KeyMaterial:
        if self.failure is not None:
            raise self.failure
        return KeyMaterial(b"one value")


@pytest.fixture
def meter() -> MemoryMeter:
    return MemoryMeter()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 26, 12, tzinfo=UTC))


@pytest.fixture
def cache(clock: ManualClock, meter: MemoryMeter) -> MemorySecretCache:
    return MemorySecretCache(clock, TTL, STALE_BOUND, meter=meter)


async def test_a_load_and_the_hits_behind_it_are_counted(cache: MemorySecretCache, meter: MemoryMeter) -> None:
    store = Store()
    await cache.get(PATH, store.load)
    await cache.get(PATH, store.load)
    assert cache.peek(LABEL) == cache.peek(LABEL) == "one value"
    assert cache.peek("/no/such") is None
    meter.publish()
    assert meter.fetches == {(Source.STORE, LABEL): 1, (Source.MEMORY, LABEL): 3}
    assert not meter.errors


async def test_a_value_past_its_time_is_no_hit(
    cache: MemorySecretCache, meter: MemoryMeter, clock: ManualClock
) -> None:
    store = Store()
    await cache.get(PATH, store.load)
    clock.pass_time(TTL)
    assert cache.peek(LABEL) is None
    await cache.get(PATH, store.load)
    meter.publish()
    assert meter.fetches == {(Source.STORE, LABEL): 2, (Source.MEMORY, LABEL): 0}


async def test_what_others_read_is_counted_as_theirs(clock: ManualClock, meter: MemoryMeter) -> None:
    await MemorySecretCache(clock, TTL, STALE_BOUND, Full(), meter).get(PATH, Store().load)
    assert meter.fetches == {(Source.REDIS, LABEL): 1}


async def test_a_value_that_stands_in_for_a_failure_is_counted_and_so_is_the_failure(
    cache: MemorySecretCache, meter: MemoryMeter, clock: ManualClock
) -> None:
    store = Store()
    await cache.get(PATH, store.load)
    clock.pass_time(TTL)
    store.failure = DOWN
    await cache.get(PATH, store.load)
    assert meter.fetches == {(Source.STORE, LABEL): 1, (Source.STALE, LABEL): 1}
    assert meter.errors == {(LABEL, "SecretStoreUnavailableError"): 1}


@pytest.mark.parametrize(
    ("failure", "label"),
    [
        (DOWN, "SecretStoreUnavailableError"),
        (SecretNotFoundError("no such secret"), "SecretNotFoundError"),
        (ZeroDivisionError(), OTHER),
    ],
)
async def test_a_fetch_without_an_answer_is_counted_and_so_is_why(
    cache: MemorySecretCache, meter: MemoryMeter, failure: Exception, label: str
) -> None:
    store = Store()
    store.failure = failure
    with pytest.raises(type(failure)):
        await cache.get(PATH, store.load)
    assert meter.fetches == {(Source.NONE, LABEL): 1}
    assert meter.errors == {(LABEL, label): 1}
