"""Counts that all instances of an environment share."""

from functools import lru_cache, partial
from typing import Final

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from journal_keys.adapters.redis.caller import Caller, NoAnswerError
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.domain.rates import Rate
from journal_keys.ports.rate_limiter import LimiterUnavailableError, RateLimiter

_ANY_ADDRESS: Final = "async+redis://localhost:6379"
"""The library wants one, and connects through our pool."""


@lru_cache(maxsize=16)
def _item(rate: Rate) -> RateLimitItem:
    return RateLimitItemPerSecond(rate.number, round(rate.period.total_seconds()))


class RedisRateLimiter(RateLimiter):
    """A moving window in Redis: a list for each who asks, which ends with the period."""

    def __init__(self, call: Caller, place: Namespace) -> None:
        self._call = call
        storage = RedisStorage(
            _ANY_ADDRESS,
            implementation="redispy",
            key_prefix=place.rates,
            connection_pool=call.client.connection_pool,  # type: ignore[arg-type]  # its hint forgets it
        )
        self._window = MovingWindowRateLimiter(storage)

    async def admit(self, rate: Rate, who: str) -> bool:
        """Count one more, if Redis says that this is within the rate."""
        try:
            return bool(await self._call.run(partial(self._window.hit, _item(rate), who)))
        except NoAnswerError as failure:
            raise LimiterUnavailableError(
                f"how often this was asked for is counted in Redis, which cannot be asked ({failure.why}): use the"
                " command line on the host, or try again"
            ) from None
