"""Times as people read them."""

from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_TENTHS_BELOW_S: Final = 10


def moment(at: datetime) -> str:
    """Give a time as people read it: `2026-01-31 17:05:09 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def length(of: timedelta) -> str:
    """Give how long that is, in its two largest units: `59 d 23 h`, `4 min 9 s`, `1.2 s`; less than nothing is 0 s."""
    seconds = max(of.total_seconds(), 0)
    if seconds < _TENTHS_BELOW_S:
        return f"{seconds:.1f} s" if seconds else "0 s"
    left, parts = round(seconds), list[str]()
    for size, unit in _UNITS:
        number, left = divmod(left, size)
        if number or parts:
            parts.append(f"{number} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))


def since(at: datetime, now: datetime) -> str:
    """Say since when, and how long that is."""
    return f"since {moment(at)}, for {length(now - at)}"


def when(at: datetime | None, now: datetime) -> str:
    """Say when something happens, and in how long."""
    if at is None:
        return "at no set time"
    if at <= now:
        return f"at the next pass of the scheduler or of reconcile, since {moment(at)}"
    return f"in {length(at - now)}, at {moment(at)}"
