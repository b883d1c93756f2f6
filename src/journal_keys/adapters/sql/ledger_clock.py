"""The row of the ledger's clock, which is also the lock that every writer takes first."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from journal_keys.adapters.sql import record_rows
from journal_keys.adapters.sql.tables import ledger_clock
from journal_keys.domain.ledger_clock import LedgerTime
from journal_keys.ports.ledger import LedgerCorruptError


async def kept_time(connection: AsyncConnection, *, lock: bool = False) -> LedgerTime | None:
    """Read what the clock keeps, None where no change was ever made.

    With `lock` no other writer proceeds before this transaction ends (SQLite: none began; others: a row lock).

    Raises:
        LedgerCorruptError: the row is absent or malformed.
    """
    query = select(ledger_clock)
    found = await connection.execute(query.with_for_update() if lock else query)
    row = found.mappings().first()
    if row is None:
        raise LedgerCorruptError("the ledger's clock is missing: no release removes it")
    return record_rows.to_time(row)


async def keep_time(connection: AsyncConnection, time: LedgerTime) -> None:
    """Store the ledger's time and the reading behind it."""
    await connection.execute(update(ledger_clock).values(record_rows.from_time(time)))
