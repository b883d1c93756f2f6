"""A loop on which time passes faster, so that a minute of waiting takes seconds of a test."""

import asyncio
import selectors
from typing import Any

from journal_keys.adapters.system.clock import SystemClock
from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.ports.clock import Clock


class _PatientSelector(selectors.DefaultSelector):
    """Waits for a fraction of what it is told."""

    def __init__(self, pace: float) -> None:
        super().__init__()
        self._pace = pace

    def select(self, timeout: float | None = None) -> Any:  # noqa: ANN401 (as the selector's)
        return super().select(timeout / self._pace if timeout else timeout)


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds are `pace` times shorter."""

    def __init__(self, pace: float) -> None:
        super().__init__(_PatientSelector(pace))
        self._pace = pace

    def time(self) -> float:
        return super().time() * self._pace


class HurriedClock(Clock):
    """This host's clocks, as fast as that loop."""

    def __init__(self, pace: float) -> None:
        self._system, self._pace = SystemClock(), pace

    def read(self) -> ClockReading:
        return self._system.read()

    def uptime_s(self) -> float:
        return self._system.uptime_s() * self._pace

    def unix_s(self) -> float:
        return self._system.unix_s() * self._pace
