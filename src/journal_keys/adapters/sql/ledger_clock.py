"""The row of the ledger's clock, which is also the lock that every writer takes first, and the marks of each boot."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from journal_keys.adapters.sql import record_rows
from journal_keys.adapters.sql.failures import TooSlowError
from journal_keys.adapters.sql.tables import clock_marks, ledger_clock
from journal_keys.domain.ledger_clock import ClockReading, LedgerTime, advance
from journal_keys.ports.clock import Clock
from journal_keys.ports.ledger import LedgerCorruptError

_ROW: Final = select(ledger_clock)
_QUICK: Final = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What any boot kept last, what this boot kept last, and the clocks now."""

    kept: LedgerTime | None
    own: LedgerTime | None
    reading: ClockReading


async def lock(connection: AsyncConnection) -> None:
    """Let no other writer proceed before this transaction ends (SQLite: none began; a server: a row lock).

    Raises:
        LedgerCorruptError: the clock's row is absent.
    """
    if (await connection.execute(_ROW.with_for_update())).first() is None:
        raise _missing()


async def look(connection: AsyncConnection, clock: Clock) -> Look:
    """Read the clocks: uptime and boot are this host's, and wall time is the database server's where there is one.

    Raises:
        LedgerCorruptError: the clock's row is absent or malformed.
    """
    is_shared = _is_shared(connection)
    row = (await connection.execute(_with_mark(clock.read().boot) if is_shared else _ROW)).mappings().first()
    if row is None:
        raise _missing()
    kept, reading = record_rows.to_time(row), clock.read()
    if not is_shared:
        return Look(kept=kept, own=None, reading=reading)
    wall: datetime = row["server_wall"]
    own = record_rows.to_time({column.name: row[f"mark_{column.name}"] for column in clock_marks.columns})
    return Look(kept=kept, own=own, reading=replace(reading, wall=wall.astimezone(UTC)))


def _with_mark(boot: str) -> Select[Any]:
    """Ask for the row, the mark of this boot and the server's clock in one: every answer costs the loop a turn."""
    mark = [column.label(f"mark_{column.name}") for column in clock_marks.columns]
    beside = ledger_clock.outerjoin(clock_marks, clock_marks.c.boot == boot)
    return select(ledger_clock, func.clock_timestamp().label("server_wall"), *mark).select_from(beside)


async def now(connection: AsyncConnection, clock: Clock, skew: timedelta) -> LedgerTime:
    """Give the ledger's time.

    Raises:
        ClockWentBackError: the wall clock stands before a time that the ledger has seen.
        LedgerCorruptError: the clock's row is absent or malformed.
    """
    found = await look(connection, clock)
    return advance(found.kept, found.reading, skew=skew, own=found.own)


async def keep_time(connection: AsyncConnection, time: LedgerTime) -> None:
    """Store the ledger's time and the reading behind it."""
    row = record_rows.from_time(time)
    await connection.execute(update(ledger_clock).values(row))
    if not _is_shared(connection):
        return
    mine = update(clock_marks).where(clock_marks.c.boot == time.reading.boot)
    if not (await connection.execute(mine.values(row))).rowcount:
        await connection.execute(insert(clock_marks).values(row))


async def forget_marks(connection: AsyncConnection) -> None:
    """Let no boot count from a reading that is older than the clock's acceptance."""
    await connection.execute(delete(clock_marks))


def refuse_late(clock: Clock, stamped: LedgerTime, skew: timedelta) -> None:
    """Refuse to commit moments that passed long ago: others would see the change later than its ages say.

    Raises:
        TooSlowError: more has passed than the skew, which is the reserve that the waits have for a transaction.
    """
    late = clock.read().uptime - stamped.reading.uptime
    allowed = max(skew, _QUICK)
    if late > allowed:
        raise TooSlowError(
            f"the change took {late.total_seconds():.3g} s: nothing was changed, because waits count from its start"
            f" and allow {allowed.total_seconds():g} s for it, the clock skew; try again on a less busy machine"
        )


def _is_shared(connection: AsyncConnection) -> bool:
    """Whether a server keeps the ledger, whose clock all hosts read."""
    return connection.dialect.name != "sqlite"


def _missing() -> LedgerCorruptError:
    return LedgerCorruptError("the ledger's clock is missing: no release removes it")
