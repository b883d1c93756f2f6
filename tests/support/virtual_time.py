"""A loop whose time passes only where everybody waits, and then at once: hours of timers in seconds, in fixed order."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.ports.clock import Clock

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs what needs no socket, thread or child: who waits for one of these would wait for ever, and is told so."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Skipping(self))
        self.set_debug(False)

    def time(self) -> float:
        return self.now_s


class _Skipping(selectors.DefaultSelector):
    """Where a selector would wait, the loop's time is moved instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits, and nobody for a moment"
        self._loop.now_s += timeout
        return super().select(0)


class LoopClock(Clock):
    """Clocks that show the time of a loop, with the loop's start at a moment of the wall clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime) -> None:
        self._loop = loop
        self._start = start

    def read(self) -> ClockReading:
        uptime = timedelta(seconds=self._loop.time())
        return ClockReading(wall=self._start + uptime, uptime=uptime, boot="boot 1")

    def uptime_s(self) -> float:
        return self._loop.time()

    def unix_s(self) -> float:
        return self._start.timestamp() + self._loop.time()


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run this in a virtual loop of its own."""
    with asyncio.Runner(debug=False, loop_factory=VirtualLoop) as runner:
        return runner.run(work)
