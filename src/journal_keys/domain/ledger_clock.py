"""The ledger's clock: time that no step of a host's wall clock can shorten.

Between two readings of one boot it advances by what the uptime clock counted; across a reboot, by what the wall clock
counted. A wall clock that stands before the last one recorded is refused by `advance`, because then nobody can say
how much time passed.
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
    """Give the ledger's time at `reading`; never before `kept`.

    Raises:
        ClockWentBackError: the wall clock stands more than `skew` before the one kept.
    """
    if kept is None:
        return LedgerTime(at=reading.wall, reading=reading)
    behind = kept.reading.wall - reading.wall
    if behind > skew:
        raise ClockWentBackError(
            f"this host's clock reads {reading.wall.isoformat(timespec='seconds')}, yet the ledger was changed at"
            f" {kept.reading.wall.isoformat(timespec='seconds')}: nothing is changed until the clock is right; if the"
            " earlier reading was the wrong one, run 'journal-keys reconcile --accept-clock'"
        )
    return accept(kept, reading)


def accept(kept: LedgerTime, reading: ClockReading) -> LedgerTime:
    """Give the ledger's time at `reading`, wherever its wall clock stands; never before `kept`."""
    if reading.boot == kept.reading.boot:
        passed = reading.uptime - kept.reading.uptime
    else:
        passed = reading.wall - kept.reading.wall
    return LedgerTime(at=kept.at + max(passed, ZERO), reading=reading)
