"""The ledger in SQL: every change is one transaction that begins by locking out other writers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from journal_keys.adapters.sql import record_rows
from journal_keys.adapters.sql.audit_trail import SqlAuditTrail, append_facts
from journal_keys.adapters.sql.changes import apply, set_result
from journal_keys.adapters.sql.fleet import SqlFleet, behind, forget_expired
from journal_keys.adapters.sql.key_usage import SqlKeyUsage
from journal_keys.adapters.sql.ledger_archive import SqlLedgerArchive
from journal_keys.adapters.sql.ledger_clock import forget_marks, keep_time, lock, look, now, refuse_late
from journal_keys.adapters.sql.replies import SqlReplies
from journal_keys.adapters.sql.stored_rings import read_heads, read_ring
from journal_keys.adapters.sql.tables import rotations
from journal_keys.adapters.sql.transactions import change, glancing, reading
from journal_keys.adapters.sql.webhook_inbox import SqlWebhookInbox
from journal_keys.adapters.sql.webhook_secrets import SqlWebhookSecrets
from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.changes import (
    AuditFact,
    RingChange,
    RotationRecord,
    RotationStatus,
    Transition,
    clock_accepted,
)
from journal_keys.domain.keyring import RingHead
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_clock import LedgerTime, accept
from journal_keys.ports.clock_keeper import ClockKeeper
from journal_keys.ports.ledger import Ledger, LedgerPage


@dataclass(frozen=True)
class SqlLedger(
    SqlAuditTrail,
    SqlKeyUsage,
    SqlFleet,
    SqlWebhookInbox,
    SqlWebhookSecrets,
    SqlReplies,
    SqlLedgerArchive,
    Ledger,
    ClockKeeper,
):
    """State of every ring, with what is kept beside it, in the tables that `schema.upgrade` makes.

    `skew` is the clock error between hosts.
    """

    async def heads(self) -> Mapping[Family, RingHead]:
        """Read the table `rings`, of one row per family."""
        async with glancing(self.engine) as connection:
            return await read_heads(connection)

    async def read(self, family: Family) -> LedgerPage:
        """Read clock, ring, waiting rotations and late instances in one transaction. The clock is not stored."""
        async with reading(self.engine) as connection:
            at = (await self._now(connection)).at
            ring = await read_ring(connection, family)
            waiting = await _waiting(connection, family)
            late = await behind(connection, ring, at) if ring else ()
        return LedgerPage(now=at, ring=ring, waiting=waiting, behind=late)

    async def rotations(self, rotation_id: str) -> Sequence[RotationRecord]:
        """Read every family's row of this id."""
        query = select(rotations).where(rotations.c.rotation_id == rotation_id).order_by(rotations.c.family)
        async with glancing(self.engine) as connection:
            found = await connection.execute(query)
        return [record_rows.to_rotation(row) for row in found.mappings()]

    async def settle(self, record: RotationRecord, fact: AuditFact) -> None:
        """Write the row, unless a settled one is there, and append the fact."""

        async def settled(connection: AsyncConnection) -> None:
            await lock(connection)
            if await set_result(connection, record):
                await append_facts(connection, (fact,))

        await change(self.engine, settled)

    async def commit(self, transition: Transition) -> RingChange:
        """Advance the clock, compare and set the ring, append the facts, forget instances that expired long ago.

        Raises:
            StaleGenerationError: as in the port.
            ClockWentBackError: as in the port.
            LedgerUnavailableError: as in the port; also where twenty transactions took longer than the skew, which is
                the reserve that the waits have for them. Nothing was changed then.
            MaterialCorruptError: a kid of the ring is recorded with another digest, algorithm or public key.
            RingInvariantError: the ring lacks a kid that the ledger holds.
        """

        async def committed(connection: AsyncConnection) -> RingChange:
            await lock(connection)
            time = await self._now(connection)
            made = transition(time.at)
            await keep_time(connection, time)
            await apply(connection, made)
            await append_facts(connection, made.facts)
            await forget_expired(connection, time.at)
            refuse_late(self.clock, time, self.skew)
            return made

        return await change(self.engine, committed)

    async def keep_clock(self) -> None:
        """Store what this boot's uptime clock has counted."""

        async def kept(connection: AsyncConnection) -> None:
            await lock(connection)
            await keep_time(connection, await self._now(connection))

        await change(self.engine, kept)

    async def accept_clock(self, *, actor: str, reason: str) -> AuditHead:
        """Go on from the clocks, wherever they stand, and audit that; the ledger's time does not go back."""

        async def accepted(connection: AsyncConnection) -> AuditHead:
            await lock(connection)
            found = await look(connection, self.clock)
            time = accept(found.kept, found.reading)
            await forget_marks(connection)
            await keep_time(connection, time)
            return await append_facts(connection, (clock_accepted(found.kept, time, actor=actor, reason=reason),))

        return await change(self.engine, accepted)

    async def _now(self, connection: AsyncConnection) -> LedgerTime:
        return await now(connection, self.clock, self.skew)


async def _waiting(connection: AsyncConnection, family: Family) -> tuple[RotationRecord, ...]:
    waiting = rotations.c.status == RotationStatus.WAITING.value
    query = select(rotations).where(rotations.c.family == family.value, waiting)
    found = await connection.execute(query.order_by(rotations.c.opened_at, rotations.c.rotation_id))
    return tuple(record_rows.to_rotation(row) for row in found.mappings())
