"""Counters of encryptions in SQL."""

from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql.columns import as_written, to_number
from journal_keys.adapters.sql.ledger_clock import lock
from journal_keys.adapters.sql.tables import key_usage
from journal_keys.adapters.sql.transactions import change, glancing
from journal_keys.domain.keys import Kid, parse_kid
from journal_keys.ports.key_usage import KeyUsage


@dataclass(frozen=True)
class SqlKeyUsage(KeyUsage):
    """The table `key_usage`, one row per kid that was ever counted."""

    engine: AsyncEngine

    async def add(self, kid: Kid, encryptions: int) -> int:
        """Add to the kid's count and give the sum."""

        async def added(connection: AsyncConnection) -> int:
            await lock(connection)
            before = await _count(connection, kid)
            if before is None:
                await connection.execute(insert(key_usage).values(kid=kid, encryptions=encryptions))
            else:
                row = update(key_usage).where(key_usage.c.kid == kid)
                await connection.execute(row.values(encryptions=before + encryptions))
            return (before or 0) + encryptions

        return await change(self.engine, added)

    async def total(self, kid: Kid) -> int:
        """Give the kid's count."""
        async with glancing(self.engine) as connection:
            return await _count(connection, kid) or 0


async def _count(connection: AsyncConnection, kid: Kid) -> int | None:
    count = await connection.scalar(select(key_usage.c.encryptions).where(key_usage.c.kid == kid))
    with as_written(f"count of {kid}"):
        return None if count is None else to_number(count)


async def read_counts(connection: AsyncConnection) -> dict[Kid, int]:
    """Read every count."""
    found = (await connection.execute(select(key_usage))).mappings().all()
    with as_written("table key_usage"):
        return {parse_kid(row["kid"]): to_number(row["encryptions"]) for row in found}
