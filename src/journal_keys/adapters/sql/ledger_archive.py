"""The ledger as a whole in SQL."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import Table, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql import record_rows, rows
from journal_keys.adapters.sql.audit_trail import append_facts, read_entries
from journal_keys.adapters.sql.key_usage import read_counts
from journal_keys.adapters.sql.ledger_clock import forget_marks, keep_time, lock, look, now, refuse_late
from journal_keys.adapters.sql.stored_rings import read_heads, read_ring
from journal_keys.adapters.sql.tables import (
    audit,
    instances,
    key_usage,
    key_versions,
    rings,
    rotations,
    webhook_secrets,
)
from journal_keys.adapters.sql.transactions import change, reading
from journal_keys.adapters.sql.webhook_secrets import from_secret, read_secrets
from journal_keys.domain.audit_chain import AuditEntry
from journal_keys.domain.changes import OF_NO_KEY, AuditFact, RotationRecord
from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_copy import LedgerCopy, Refounding, RingsPutBack, go_on
from journal_keys.ports.clock import Clock
from journal_keys.ports.ledger_archive import LedgerArchive, LedgerNotEmptyError, check_heads

_AT_ONCE: Final = 1000
"""Rows per statement: few enough that a server's answer comes long before its time-out."""


@dataclass(frozen=True)
class SqlLedgerArchive(LedgerArchive):
    """All tables but those of instances, deliveries and replies.

    On a server `put_back` needs to delete from `rings` and `key_versions`, and `refound` from an `audit` that is not
    empty, which nothing else does.
    """

    engine: AsyncEngine
    clock: Clock
    skew: timedelta

    async def copy(self) -> LedgerCopy:
        """Read every table in one transaction, the audit trail page by page."""
        async with reading(self.engine) as connection:
            time = (await look(connection, self.clock)).kept
            found = {family: await read_ring(connection, family) for family in await read_heads(connection)}
            return LedgerCopy(
                time=time,
                rings={family: ring for family, ring in found.items() if ring is not None},
                rotations=await _rotations(connection),
                usage=await read_counts(connection),
                webhook_secrets=await read_secrets(connection),
                entries=await _whole_trail(connection),
            )

    async def refound(
        self, copy: LedgerCopy, finish: Callable[[datetime], Refounding], *, accepts_clock: bool = False
    ) -> Refounding:
        """Write what may be many rows first: the moments are those behind it."""

        async def refounded(connection: AsyncConnection) -> Refounding:
            await lock(connection)
            before = await _emptied(connection)
            await _insert(connection, audit, map(record_rows.from_entry, copy.entries))
            await _insert(connection, webhook_secrets, map(from_secret, copy.webhook_secrets))
            await _add_counts(connection, copy)
            await connection.execute(delete(instances))  # their reports expire on another time
            reading = (await look(connection, self.clock)).reading
            time = go_on(copy.time, reading, skew=self.skew, accepts_clock=accepts_clock)
            made = finish(time.at)
            made.check_whole(copy)
            for ring in made.rings.values():
                await connection.execute(insert(rings).values(rows.from_ring(ring)))
                await _insert(connection, key_versions, map(rows.from_version, ring.versions))
            await _insert(connection, rotations, map(record_rows.from_rotation, copy.rotations))
            await append_facts(connection, (*made.facts, *before))
            await forget_marks(connection)
            await keep_time(connection, time)
            return made

        return await change(self.engine, refounded)

    async def put_back(
        self, expected: Mapping[Family, RingHead | None], transition: Callable[[datetime], RingsPutBack]
    ) -> RingsPutBack:
        """Compare the heads behind the lock, and write each ring anew."""

        async def done(connection: AsyncConnection) -> RingsPutBack:
            await lock(connection)
            check_heads(await read_heads(connection), expected)
            time = await now(connection, self.clock, self.skew)
            made = transition(time.at)
            made.check_named(expected)
            for family, ring in made.rings.items():
                await (_remove(connection, family) if ring is None else _put_back(connection, ring))
            await append_facts(connection, made.facts)
            await keep_time(connection, time)
            refuse_late(self.clock, time, self.skew)
            return made

        return await change(self.engine, done)


async def _rotations(connection: AsyncConnection) -> tuple[RotationRecord, ...]:
    found = (await connection.execute(select(rotations))).mappings()
    # Sorted here, because a server's collation is its own.
    return tuple(sorted(map(record_rows.to_rotation, found), key=lambda one: (one.request.rotation_id, one.family)))


async def _whole_trail(connection: AsyncConnection) -> tuple[AuditEntry, ...]:
    entries: list[AuditEntry] = []
    while page := await read_entries(connection, after=entries[-1].sequence if entries else 0, limit=_AT_ONCE):
        entries += page
    return tuple(entries)


async def _emptied(connection: AsyncConnection) -> tuple[AuditFact, ...]:
    """Take out what may stand in an empty ledger's trail, and give it; only the owner of the table may."""
    of_keys = select(audit.c.sequence).where(audit.c.action.not_in(OF_NO_KEY)).limit(1)
    if await read_heads(connection) or (await connection.execute(of_keys)).first() is not None:
        raise LedgerNotEmptyError
    facts = tuple(entry.fact for entry in await _whole_trail(connection))
    if facts:
        await connection.execute(delete(audit))
    return facts


async def _insert(connection: AsyncConnection, table: Table, written: Iterable[dict[str, object]]) -> None:
    left = iter(written)
    while some := list(islice(left, _AT_ONCE)):
        await connection.execute(insert(table), some)


async def _add_counts(connection: AsyncConnection, copy: LedgerCopy) -> None:
    held = await read_counts(connection)
    counts = copy.usage_beside(held)
    for kid in held:
        await connection.execute(update(key_usage).where(key_usage.c.kid == kid).values(encryptions=counts.pop(kid)))
    await _insert(connection, key_usage, ({"kid": kid, "encryptions": count} for kid, count in counts.items()))


async def _put_back(connection: AsyncConnection, ring: KeyRing) -> None:
    row = rows.from_ring(ring)
    done = await connection.execute(update(rings).where(rings.c.family == ring.family.value).values(row))
    if not done.rowcount:
        await connection.execute(insert(rings).values(row))
    await connection.execute(delete(key_versions).where(key_versions.c.family == ring.family.value))
    await _insert(connection, key_versions, map(rows.from_version, ring.versions))
    known = select(key_versions.c.kid).where(key_versions.c.family == ring.family.value)
    used = known.where(key_versions.c.activated_at.is_not(None))
    is_undone = or_(rotations.c.old_kid.not_in(known), rotations.c.new_kid.not_in(used))
    await connection.execute(delete(rotations).where(rotations.c.family == ring.family.value, is_undone))


async def _remove(connection: AsyncConnection, family: Family) -> None:
    for table in (rotations, key_versions, rings):
        await connection.execute(delete(table).where(table.c.family == family.value))
