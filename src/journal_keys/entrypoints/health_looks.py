"""One look at health for everybody who asks meanwhile, and for a short time afterwards."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from journal_keys.container import Container
from journal_keys.use_cases.check_health import Health

_END_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found and when, on the ledger's clock; None where nothing was found out within the bound."""

    health: Health | None
    at: datetime


@dataclass(slots=True, kw_only=True)
class HealthLooks:
    """An async context that gives the last look while it counts, and else makes one, however many ask at once.

    Nobody waits longer than `within`, and at most one look is under way: one that does not end, though it was
    cancelled, is not followed by another.
    """

    container: Container
    within: timedelta
    counts_for: timedelta
    _last: Look | None = field(default=None, init=False)
    _ended_s: float = field(default=0.0, init=False)
    _begun_s: float = field(default=0.0, init=False)
    _under_way: asyncio.Task[Look] | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait({self._under_way}, timeout=_END_S)

    async def __call__(self) -> Look:
        """Give a look that counts."""
        now_s = self._now_s()
        if self._last is not None and now_s - self._ended_s < self.counts_for.total_seconds():
            return self._last
        task = self._under_way or self._begin(now_s)
        left_s = max(self._begun_s + self.within.total_seconds() - now_s, 0)
        await asyncio.wait({task}, timeout=left_s)  # whoever hangs up cancels nobody's look
        return task.result() if task.done() else self._nothing()

    def _now_s(self) -> float:
        return self.container.clock().uptime_s()

    def _begin(self, now_s: float) -> asyncio.Task[Look]:
        task = asyncio.create_task(self._look(), name="journal_keys health")
        task.add_done_callback(self._end)
        self._under_way, self._begun_s = task, now_s
        return task

    async def _look(self) -> Look:
        try:
            async with asyncio.timeout(self.within.total_seconds()):
                found = await self.container.check_health()()
        except TimeoutError:
            return self._nothing()
        return Look(health=found, at=found.at or self._wall())

    def _nothing(self) -> Look:
        return Look(health=None, at=self._wall())

    def _wall(self) -> datetime:
        return self.container.clock().read().wall

    def _end(self, task: asyncio.Task[Look]) -> None:
        self._under_way, self._ended_s, self._last = None, self._now_s(), None
        if not task.cancelled() and task.exception() is None:
            self._last = task.result()
