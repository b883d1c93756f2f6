"""Reading rings in an open transaction."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from journal_keys.adapters.sql import rows
from journal_keys.adapters.sql.tables import key_versions, rings
from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family


async def read_heads(connection: AsyncConnection) -> dict[Family, RingHead]:
    """Read the table `rings`, of one row per family."""
    return rows.to_heads((await connection.execute(select(rings))).mappings())


async def read_ring(connection: AsyncConnection, family: Family) -> KeyRing | None:
    """Read one ring and its versions, oldest publication first."""
    head = (await connection.execute(select(rings).where(rings.c.family == family.value))).mappings().first()
    if head is None:
        return None
    of_family = select(key_versions).where(key_versions.c.family == family.value)
    found = await connection.execute(of_family.order_by(key_versions.c.published_at, key_versions.c.kid))
    return rows.to_ring(head, found.mappings())
