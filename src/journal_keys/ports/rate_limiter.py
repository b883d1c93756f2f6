"""Who asked how often."""

from abc import ABC, abstractmethod

from journal_keys.domain.errors import PortError
from journal_keys.domain.rates import Rate


class LimiterUnavailableError(PortError):
    """How often somebody asked cannot be found out."""


class RateLimiter(ABC):
    """Counts, and says whether one more is within a rate. What is refused does not count."""

    @abstractmethod
    async def admit(self, rate: Rate, who: str) -> bool:
        """Count one more of `who`, unless that would be more than the rate allows; say whether it was.

        Raises:
            LimiterUnavailableError: that cannot be found out; nothing is known to have been counted.
        """
