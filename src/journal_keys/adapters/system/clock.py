"""The host's clocks."""

import platform
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from journal_keys.domain.ledger_clock import UNSURE_BOOT, ClockReading
from journal_keys.ports.clock import Clock

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_BOOTTIME: Final = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock(Clock):
    """Linux's boot-time clock and boot id. Elsewhere the host's name stands for its boot.

    For waits that is safe, too: across a boot that went unnoticed the uptime clock counts less than has passed. Where
    something has to end in time, such a name is not believed (`domain.snapshot`).
    """

    def __init__(self) -> None:
        try:
            self._boot = _BOOT_ID.read_text("ascii").strip()
        except OSError:
            self._boot = f"{UNSURE_BOOT}{platform.node()}"
        if _BOOTTIME is not None:  # the same clock, read without a Python frame: every verify and decrypt asks it
            self.uptime_s = partial(time.clock_gettime, _BOOTTIME)  # type: ignore[method-assign]

    def read(self) -> ClockReading:
        """Look at all clocks at once."""
        return ClockReading(wall=datetime.now(UTC), uptime=timedelta(seconds=self.uptime_s()), boot=self._boot)

    def uptime_s(self) -> float:
        """Give the seconds since boot, suspend included where the system counts it."""
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    def unix_s(self) -> float:
        """Give the seconds since 1970."""
        return time.time()
