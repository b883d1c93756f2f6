"""Counts of one process."""

from collections import deque

from journal_keys.domain.rates import Rate
from journal_keys.ports.clock import Clock
from journal_keys.ports.rate_limiter import RateLimiter


class MemoryRateLimiter(RateLimiter):
    """A moving window on the clock that no one sets: when each was admitted, for as long as the period.

    That of the library which counts in Redis stands on the wall clock here, and would wait for one that was set back;
    it also starts a thread up to a hundred times a second (ADR 19).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._admitted: dict[str, deque[float]] = {}

    async def admit(self, rate: Rate, who: str) -> bool:
        """Count one more, if that is within the rate."""
        now_s = self._clock.uptime_s()
        admitted = self._admitted.setdefault(who, deque())
        while admitted and admitted[0] <= now_s - rate.period.total_seconds():
            admitted.popleft()
        if len(admitted) >= rate.number:
            return False
        admitted.append(now_s)
        return True
