"""The audit chain in SQL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql import record_rows
from journal_keys.adapters.sql.ledger_clock import lock
from journal_keys.adapters.sql.tables import audit
from journal_keys.adapters.sql.transactions import change, reading
from journal_keys.domain.audit_chain import EMPTY, AuditEntry, AuditHead, head_of, link
from journal_keys.domain.changes import AuditFact
from journal_keys.ports.audit_trail import AuditTrail

_MOST_ENTRIES: Final = 10_000


async def append_facts(connection: AsyncConnection, facts: Iterable[AuditFact]) -> AuditHead:
    """Link facts to the chain, inside the transaction of the change that they tell of, and give the new head."""
    head = await _head(connection)
    entries = []
    for fact in facts:
        entries.append(link(head, fact))
        head = head_of(entries[-1])
    if entries:
        await connection.execute(insert(audit), [record_rows.from_entry(entry) for entry in entries])
    return head


async def read_entries(connection: AsyncConnection, *, after: int, limit: int) -> list[AuditEntry]:
    """Read up to `limit` entries behind `after`, in order."""
    query = select(audit).where(audit.c.sequence > after).order_by(audit.c.sequence).limit(limit)
    return [record_rows.to_entry(row) for row in (await connection.execute(query)).mappings()]


async def _head(connection: AsyncConnection) -> AuditHead:
    last = select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)
    row = (await connection.execute(last)).first()
    return EMPTY if row is None else AuditHead(sequence=row.sequence, hash=row.hash)


@dataclass(frozen=True)
class SqlAuditTrail(AuditTrail):
    """The table `audit`, of which nothing is updated or deleted, but where an empty ledger is refounded."""

    engine: AsyncEngine

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Read up to `limit` entries behind `after`, in order."""
        async with reading(self.engine) as connection:
            return await read_entries(connection, after=after, limit=min(limit, _MOST_ENTRIES))

    async def head(self) -> AuditHead:
        """Read the last link."""
        async with reading(self.engine) as connection:
            return await _head(connection)

    async def append(self, fact: AuditFact) -> AuditHead:
        """Add one fact in a transaction of its own."""

        async def appended(connection: AsyncConnection) -> AuditHead:
            await lock(connection)
            return await append_facts(connection, (fact,))

        return await change(self.engine, appended)
