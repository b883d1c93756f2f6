"""Keep what is asked for within its rate."""

from dataclasses import dataclass

from journal_keys.domain.rates import Asked, Rates, TooManyRequestsError
from journal_keys.ports.rate_limiter import RateLimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCalls:
    """Where it cannot be found out how often somebody asked, nobody is let in."""

    limiter: RateLimiter
    rates: Rates

    async def __call__(self, asked: Asked, who: str) -> None:
        """Count one more, and return if that is within the rate.

        Raises:
            TooManyRequestsError: it is not.
            LimiterUnavailableError: that cannot be found out.
        """
        rate = self.rates.of(asked)
        if not await self.limiter.admit(rate, f"{asked} {who}"):
            raise TooManyRequestsError(asked, rate)
