"""Keep what one process answers to everybody within a bound."""

import math
from dataclasses import dataclass, field
from typing import Final

from journal_keys.domain.rates import Asked, BusyError, Rate, Rates
from journal_keys.ports.rate_limiter import RateLimiter

_PORTIONS: Final = 100


@dataclass(slots=True, kw_only=True)
class LimitKeySet:
    """Counts by the hundredth part of the rate, so that counting does not cost more than answering."""

    limiter: RateLimiter
    rates: Rates
    _left: int = field(default=0, init=False)

    async def __call__(self) -> None:
        """Count one more, and return if that is within the rate, give or take one portion of it.

        Raises:
            BusyError: it is not.
        """
        if not self._left:
            rate = self.rates.key_set
            portion = math.ceil(rate.number / _PORTIONS)
            if not await self.limiter.admit(Rate(rate.number // portion, rate.period), Asked.KEY_SET):
                raise BusyError(Asked.KEY_SET, rate)
            self._left = portion
        self._left -= 1
