"""A clock that only its owner moves."""

from datetime import datetime, timedelta

from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.ports.clock import Clock


class ManualClock(Clock):
    """Wall time and uptime, moved together or apart."""

    def __init__(self, wall: datetime) -> None:
        self._wall = wall
        self._uptime = timedelta(0)
        self._boots = 1

    def pass_time(self, duration: timedelta) -> None:
        """Let time pass on every clock."""
        self._wall += duration
        self._uptime += duration

    def step_wall(self, step: timedelta) -> None:
        """Set the wall clock forward or back; no time passes."""
        self._wall += step

    def reboot(self) -> None:
        """Start a new boot with an uptime of zero."""
        self._uptime = timedelta(0)
        self._boots += 1

    def read(self) -> ClockReading:
        """Look at all clocks at once."""
        return ClockReading(wall=self._wall, uptime=self._uptime, boot=f"boot {self._boots}")

    def uptime_s(self) -> float:
        """Give the uptime."""
        return self._uptime.total_seconds()

    def unix_s(self) -> float:
        """Give the wall time."""
        return self._wall.timestamp()
