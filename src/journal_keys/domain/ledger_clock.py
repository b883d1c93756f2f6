"""The ledger's clock: time that no step of a wall clock can shorten.

Between two readings of one boot it advances by what the uptime clock counted. Where another boot made the last reading,
the wall clock that both read tells the time between, if this boot counted as much as that clock since its own last
reading; else nothing has passed. So it never runs ahead of the time that really passed, and it stands behind the wall
clock by the time that nobody counted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from journal_keys.domain.errors import PortError

ZERO: Final = timedelta(0)
UNSURE_BOOT: Final = "some boot of "
"""How the name of a boot begins where the system has none: two boots may then share it."""


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


def advance(
    kept: LedgerTime | None, reading: ClockReading, *, skew: timedelta, own: LedgerTime | None = None
) -> LedgerTime:
    """Give the ledger's time at `reading`; never before `kept`. The first reading of all is believed.

    `kept` is what any boot kept last; `own` is what the boot of `reading` kept last, where all boots read one wall
    clock; `skew` is what two clocks may differ by.

    Raises:
        ClockWentBackError: the wall clock stands more than `skew` before the one kept.
    """
    if kept is not None and kept.reading.wall - reading.wall > skew:
        raise ClockWentBackError(
            f"this host's clock reads {reading.wall.isoformat(timespec='seconds')}, yet the ledger was changed at"
            f" {kept.reading.wall.isoformat(timespec='seconds')}: nothing is changed until the clock is right; if the"
            " earlier reading was the wrong one, run 'journal-keys reconcile --accept-clock'"
        )
    if kept is None or own is None or own.reading.boot == kept.reading.boot:
        return accept(kept, reading)
    return LedgerTime(at=kept.at + _passed_since_another_boot(kept, own, reading, skew), reading=reading)


def _passed_since_another_boot(kept: LedgerTime, own: LedgerTime, reading: ClockReading, skew: timedelta) -> timedelta:
    counted = reading.uptime - own.reading.uptime
    told = reading.wall - own.reading.wall
    if abs(told - counted) > skew:  # the wall clock was set meanwhile
        return ZERO
    most = own.at + counted - kept.at
    return max(min(reading.wall - kept.reading.wall, most), ZERO)


def accept(kept: LedgerTime | None, reading: ClockReading) -> LedgerTime:
    """Give the ledger's time at `reading`, wherever its wall clock stands; never before `kept`."""
    if kept is None:
        return LedgerTime(at=reading.wall, reading=reading)
    same_boot = reading.boot == kept.reading.boot
    counted = reading.uptime - kept.reading.uptime if same_boot else ZERO
    return LedgerTime(at=kept.at + max(counted, ZERO), reading=reading)
