"""Newer views for callers who cannot be answered with what is there: one attempt for all who ask meanwhile."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from journal_keys.container import Container
from journal_keys.entrypoints.background import renew_views

KID_COOL_DOWN: Final = timedelta(seconds=1)
"""How long nobody looks at the ring again for kids that it does not hold, whoever asks with what."""

_END_S: Final = 0.5


@dataclass(slots=True)
class Renewal:
    """Attempts to have newer views, one at a time; nobody waits for more than one, and who hangs up ends none."""

    failed_s: float = field(default=float("-inf"), init=False)
    """`Clock.uptime_s` at the beginning of the last attempt that failed: what was confirmed before, it could not."""
    _ended_s: float = field(default=float("-inf"), init=False)
    _under_way: asyncio.Task[None] | None = field(default=None, init=False)

    async def __call__(self, container: Container, *, rest: timedelta = timedelta(0)) -> None:
        """Wait for the attempt that is under way, or make one; where there are views, not within `rest` of the last.

        Raises:
            JournalKeysError: it failed, and there are no views.
        """
        if self._under_way is None and self._rested_s(container) < rest.total_seconds():
            return
        task = self._under_way or self._begin(container)
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    async def aclose(self) -> None:
        """Give up the attempt that is under way; who waits for it goes on without."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait({self._under_way}, timeout=_END_S)

    def _rested_s(self, container: Container) -> float:
        has_views = container.board().signing is not None
        return container.clock().uptime_s() - self._ended_s if has_views else float("inf")

    def _begin(self, container: Container) -> asyncio.Task[None]:
        self._under_way = asyncio.create_task(self._attempt(container), name="journal_keys renewal")
        self._under_way.add_done_callback(self._end)
        return self._under_way

    async def _attempt(self, container: Container) -> None:
        clock = container.clock()
        begun_s = clock.uptime_s()
        try:
            if not await renew_views(container):
                self.failed_s = begun_s
        finally:
            self._ended_s = clock.uptime_s()

    def _end(self, task: asyncio.Task[None]) -> None:
        """Look at the result, so that an attempt whose callers have all hung up raises nothing later."""
        self._under_way = None
        if not task.cancelled():
            task.exception()
