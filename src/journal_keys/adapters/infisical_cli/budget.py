"""How many requests a minute this process may send: older servers count them per client address."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from journal_keys import events
from journal_keys.adapters.infisical_cli.failures import LONGEST_WAIT_S
from journal_keys.ports.clock import Clock

_WORTH_TELLING_S: Final = 1.0


@dataclass(slots=True, kw_only=True)
class Budget:
    """A sliding window: who comes when it is spent waits in line."""

    most: int
    clock: Clock
    period: timedelta = timedelta(minutes=1)
    _spent_s: deque[float] = field(default_factory=deque, init=False)
    _paused_until_s: float = field(default=float("-inf"), init=False)
    _line: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def spend(self) -> None:
        """Take one request, waiting until there is one."""
        async with self._line:
            if self.waits_for() > _WORTH_TELLING_S:
                events.STORE_BUDGET_SPENT.tell(wait_s=round(self.waits_for()), requests_per_minute=self.most)
            while self.waits_for() > 0:  # noqa: ASYNC110 (time is what is waited for)
                await asyncio.sleep(self.waits_for())
            self._spent_s.append(self.clock.uptime_s())

    def waits_for(self) -> float:
        """Seconds until the next request may go out; 0 when it may go at once."""
        now_s, period_s = self.clock.uptime_s(), self.period.total_seconds()
        while self._spent_s and self._spent_s[0] <= now_s - period_s:
            self._spent_s.popleft()
        window_s = self._spent_s[-self.most] + period_s - now_s if len(self._spent_s) >= self.most else 0.0
        return max(0.0, window_s, self._paused_until_s - now_s)

    def pause(self, seconds: float) -> None:
        """Send nothing for so long, within a bound: the server asked for it."""
        self._paused_until_s = max(self._paused_until_s, self.clock.uptime_s() + min(seconds, LONGEST_WAIT_S))
