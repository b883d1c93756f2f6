"""Reports of instances in SQL: one row each, found by its key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql import record_rows
from journal_keys.adapters.sql.columns import from_moment
from journal_keys.adapters.sql.ledger_clock import now
from journal_keys.adapters.sql.tables import instances
from journal_keys.adapters.sql.transactions import change, reading
from journal_keys.domain.fleet import Instance, Laggard, laggards, reported
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family
from journal_keys.ports.clock import Clock
from journal_keys.ports.fleet import Fleet
from journal_keys.ports.ledger import MOST_LAGGARDS

_KEPT_PAST_EXPIRY: Final = timedelta(hours=1)
"""Longer than any report under way, so that none finds its row gone."""


@dataclass(frozen=True)
class SqlFleet(Fleet):
    """The table `instances`. Reports take no lock but that of their own row (SQLite: of the file)."""

    engine: AsyncEngine
    clock: Clock
    skew: timedelta

    async def report(self, name: str, generations: Mapping[Family, int], *, expires_in: timedelta) -> None:
        """Write the instance's row; a new one clears away what expired long ago."""
        mine = instances.c.name == name

        async def written(connection: AsyncConnection) -> None:
            at = (await now(connection, self.clock, self.skew)).at
            found = (await connection.execute(select(instances).where(mine))).mappings().first()
            before = record_rows.to_instance(found).held if found else {}
            instance = Instance(
                name=name, held=reported(before, generations, at), reported_at=at, expires_at=at + expires_in
            )
            row = record_rows.from_instance(instance)
            if found:
                await connection.execute(update(instances).where(mine).values(row))
                return
            await connection.execute(insert(instances).values(row))
            await forget_expired(connection, at)

        await change(self.engine, written)

    async def leave(self, name: str) -> None:
        """Delete the instance's row."""

        async def left(connection: AsyncConnection) -> None:
            await connection.execute(delete(instances).where(instances.c.name == name))

        await change(self.engine, left)

    async def instances(self) -> Sequence[Instance]:
        """Read the rows that have not expired."""
        async with reading(self.engine) as connection:
            at = (await now(connection, self.clock, self.skew)).at
            query = select(instances).where(instances.c.expires_at > from_moment(at)).order_by(instances.c.name)
            found = await connection.execute(query)
        return [record_rows.to_instance(row) for row in found.mappings()]


async def forget_expired(connection: AsyncConnection, at: datetime) -> None:
    """Delete what expired more than an hour ago: it would be read before those that count, again and again."""
    await connection.execute(delete(instances).where(instances.c.expires_at < from_moment(at - _KEPT_PAST_EXPIRY)))


async def behind(connection: AsyncConnection, ring: KeyRing, at: datetime) -> tuple[Laggard, ...]:
    """Read the first rows that hold an older generation of this ring and have not expired, and no row that does not."""
    generation = instances.c[f"{ring.family.value}_generation"]
    query = select(instances).where(generation < ring.generation, instances.c.expires_at > from_moment(at))
    found = await connection.execute(query.order_by(generation, instances.c.name).limit(MOST_LAGGARDS))
    return laggards([record_rows.to_instance(row) for row in found.mappings()], ring)
