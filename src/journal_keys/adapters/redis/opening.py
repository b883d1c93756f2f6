"""Open what instances share: one client, one breaker, one set of counts."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis

from journal_keys.adapters.redis.caller import Caller, NoAnswerError
from journal_keys.adapters.redis.client import TIMEOUT_S, make_client
from journal_keys.adapters.redis.counts import Count, Counts
from journal_keys.adapters.redis.hint_bus import RedisHintBus
from journal_keys.adapters.redis.keys import DerivedKeys, KeySource
from journal_keys.adapters.redis.lease import RedisLease
from journal_keys.adapters.redis.messages import Post
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.adapters.redis.rate_limiter import RedisRateLimiter
from journal_keys.adapters.redis.shared_secret_cache import RedisSharedSecretCache
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.hint_bus import HintBus

_NAME_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Whose place in Redis it is, under which keys, for how long values are good, and where hints are heard."""

    place: Namespace
    keys: KeySource
    ttl: timedelta
    skew: timedelta
    hints: HintBus
    """Within this process."""
    counts: Counts = field(default_factory=Counter)
    """What became of the questions; several that are opened in one process may share it."""
    deadline_s: float = TIMEOUT_S
    """How long Redis has to answer a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The adapters, and what they count."""

    cache: RedisSharedSecretCache
    hints: RedisHintBus
    lease: RedisLease
    limiter: RedisRateLimiter
    counts: Counts
    call: Caller


@asynccontextmanager
async def open_redis(target: str | Redis, sharing: Sharing, clock: Clock, entropy: Entropy) -> AsyncIterator[Shared]:
    """Open the Redis at a URL, or use the client of an application, which stays open afterwards.

    Nothing is asked of the server yet.

    Raises:
        ValueError: it is no URL of Redis.
    """
    client = make_client(target, deadline_s=sharing.deadline_s) if isinstance(target, str) else target
    call = Caller(client=client, clock=clock, counts=sharing.counts, deadline_s=sharing.deadline_s)
    name = entropy.token(_NAME_BYTES).hex()
    post = Post(
        name=name,
        place=sharing.place,
        keys=DerivedKeys(sharing.keys, sharing.place, b"redis hints"),
        skew=sharing.skew,
        clock=clock,
        entropy=entropy,
        counts=sharing.counts,
    )
    cache = RedisSharedSecretCache(
        call=call,
        place=sharing.place,
        keys=DerivedKeys(sharing.keys, sharing.place, b"redis secrets"),
        post=post,
        ttl=sharing.ttl,
        skew=sharing.skew,
        clock=clock,
        entropy=entropy,
    )
    hints = RedisHintBus(sharing.hints, call, post, entropy)
    lease = RedisLease(call=call, place=sharing.place, holder=name)
    try:
        yield Shared(
            cache=cache,
            hints=hints,
            lease=lease,
            limiter=RedisRateLimiter(call, sharing.place),
            counts=sharing.counts,
            call=call,
        )
    finally:
        await hints.aclose()
        if isinstance(target, str):
            await client.aclose()


async def silence_of(url: str, clock: Clock) -> Count | None:
    """Ask once, for a PONG; say why there was none, None where there was.

    Raises:
        ValueError: it is no URL of Redis.
    """
    client = make_client(url)
    try:
        await Caller(client=client, clock=clock, counts=Counter())("PING")
    except NoAnswerError as failure:
        return failure.why
    finally:
        await client.aclose()
    return None
