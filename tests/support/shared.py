"""Instances that share a Redis: each with a client, a breaker and counts of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from redis.asyncio import Redis

from journal_keys.adapters.crypto.key_crypto import AesCipherKey
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.redis.counts import Count, Counts
from journal_keys.adapters.redis.hint_bus import RedisHintBus
from journal_keys.adapters.redis.keys import KeySource, OneKey
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.adapters.redis.opening import Shared, Sharing, open_redis
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial, aes_kid
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.clock import Clock
from tests.support.canary.entropy import WatchedEntropy

START: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
TTL: Final = timedelta(seconds=60)
STALE_BOUND: Final = timedelta(seconds=300)
SKEW: Final = timedelta(seconds=5)
PLACE: Final = Namespace.of("test", "vault", "/one")
PATH: Final = SecretPath.parse("/database/db_url_async")
OTHER: Final = SecretPath.parse("/database/db_url_sync")
PATIENCE_S: Final = 10.0
"""How long Redis has to answer where a late answer is not what is tested: a busy machine pauses now and then."""


def one_key(seed: int = 7) -> OneKey:
    """A key as from a setting; the same for each seed."""
    secret = KeyMaterial(WatchedEntropy(seed).token(32))
    return OneKey(AesCipherKey(aes_kid(secret), secret))


@asynccontextmanager
async def sharing(
    target: str | Redis,
    clock: Clock,
    *,
    keys: KeySource | None = None,
    place: Namespace = PLACE,
    ttl: timedelta = TTL,
    deadline_s: float = PATIENCE_S,
) -> AsyncIterator[Shared]:
    """What one instance has of Redis."""
    settings = Sharing(
        place=place, keys=keys or one_key(), ttl=ttl, skew=SKEW, hints=MemoryHintBus(), deadline_s=deadline_s
    )
    async with open_redis(target, settings, clock, SystemEntropy()) as opened:
        yield opened


def plain_client(url: str) -> Redis:
    """A client of the tests' own, which says nothing that Redis 5.0 would not understand."""
    return Redis.from_url(url, protocol=2, driver_info=None)


class Store:
    """What is loaded from: it counts, and answers with what it holds."""

    def __init__(self, answer: bytes = b"first answer of the store") -> None:
        self.answer = answer
        self.loads = 0

    async def load(self, _path: SecretPath) -> KeyMaterial:
        self.loads += 1
        return KeyMaterial(self.answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A cache in memory in front of Redis, and the clock of its host."""

    cache: MemorySecretCache
    shared: Shared
    clock: ManualClock

    async def fetch(self, store: Store, path: SecretPath = PATH) -> bytes:
        """Fetch through both levels."""
        return expose(await self.cache.get(path, store.load))

    @property
    def counts(self) -> Counts:
        """What its Redis adapters counted."""
        return self.shared.counts

    def misses(self) -> set[str]:
        """Name what was counted besides hits and plain absence."""
        return set(self.counts) - {Count.HIT, Count.ABSENT}


@asynccontextmanager
async def instance(
    target: str | Redis, *, keys: KeySource | None = None, ttl: timedelta = TTL, deadline_s: float = PATIENCE_S
) -> AsyncIterator[Instance]:
    """One instance on a clock to turn."""
    clock = ManualClock(START)
    async with sharing(target, clock, keys=keys, ttl=ttl, deadline_s=deadline_s) as shared:
        cache = MemorySecretCache(clock, ttl, STALE_BOUND, shared.cache)
        yield Instance(cache=cache, shared=shared, clock=clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A process that is subscribed, and what it heard to be forgotten."""

    shared: Shared
    forgotten: list[SecretPath | None]

    @property
    def bus(self) -> RedisHintBus:
        """Its hints."""
        return self.shared.hints

    async def heard(self, prefix: SecretPath | None) -> None:
        """Wait until it heard this, and take all that was heard so far."""
        while prefix not in self.forgotten:
            assert await self.bus.wait(30), f"{prefix} is not told"
        self.forgotten.clear()


@asynccontextmanager
async def listening(shared: Shared) -> AsyncIterator[Listener]:
    """Subscribe, and take the hint that this counts as."""
    made = Listener(shared=shared, forgotten=[])
    shared.hints.listen(made.forgotten.append)
    await made.heard(None)
    yield made
