"""The ledger's clock: time that no step of a wall clock can shorten.

Between two readings of one boot it advances by what the uptime clock counted, and else not at all: what no host counted
(a reboot, a wall clock set forward, another host's hour) has not passed. So it never runs ahead of the time that really
passed, and it stands behind the wall clock by the time that its host was down.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from journal_keys.domain.errors import PortError

ZERO: Final = timedelta(0)


class ClockWentBackError(PortError):
    """The wall clock stands before a time that the ledger has already seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """One look at a host's clocks: aware wall time, time since boot (suspend included), and which boot it is."""

    wall: datetime
    uptime: timedelta
    boot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTime:
    """What the ledger keeps: its own time, and the reading at which it stood there."""

    at: datetime
    reading: ClockReading


def advance(kept: LedgerTime | None, reading: ClockReading, *, skew: timedelta) -> LedgerTime:
    """Give the ledger's time at `reading`; never before `kept`. The first reading of all is believed.

    Raises:
        ClockWentBackError: the wall clock stands more than `skew` before the one kept.
    """
    if kept is not None and kept.reading.wall - reading.wall > skew:
        raise ClockWentBackError(
            f"this host's clock reads {reading.wall.isoformat(timespec='seconds')}, yet the ledger was changed at"
            f" {kept.reading.wall.isoformat(timespec='seconds')}: nothing is changed until the clock is right; if the"
            " earlier reading was the wrong one, run 'journal-keys reconcile --accept-clock'"
        )
    return accept(kept, reading)


def accept(kept: LedgerTime | None, reading: ClockReading) -> LedgerTime:
    """Give the ledger's time at `reading`, wherever its wall clock stands; never before `kept`."""
    if kept is None:
        return LedgerTime(at=reading.wall, reading=reading)
    same_boot = reading.boot == kept.reading.boot
    counted = reading.uptime - kept.reading.uptime if same_boot else ZERO
    return LedgerTime(at=kept.at + max(counted, ZERO), reading=reading)
