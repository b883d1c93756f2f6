"""The host's clocks."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.ports.clock import Clock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock(Clock):
    """Linux's boot-time clock and boot id. Elsewhere each process counts as a boot of its own."""

    def __init__(self) -> None:
        self._boot = _BOOT_ID.read_text("ascii").strip() if _BOOT_ID.exists() else uuid.uuid4().hex

    def read(self) -> ClockReading:
        """Look at all clocks at once."""
        return ClockReading(wall=datetime.now(UTC), uptime=timedelta(seconds=self.uptime_s()), boot=self._boot)

    def uptime_s(self) -> float:
        """Give the seconds since boot, suspend included."""
        return time.clock_gettime(_UPTIME)

    def unix_s(self) -> float:
        """Give the seconds since 1970."""
        return time.time()
