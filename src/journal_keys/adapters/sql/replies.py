"""Replies to repeated requests in SQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql.columns import as_written, from_moment, to_digest, to_number, to_text
from journal_keys.adapters.sql.ledger_clock import lock, now
from journal_keys.adapters.sql.tables import replies
from journal_keys.adapters.sql.transactions import change, reading
from journal_keys.ports.clock import Clock
from journal_keys.ports.replies import KEPT_FOR, Replies, Reply


@dataclass(frozen=True)
class SqlReplies(Replies):
    """The table `replies`, one row per caller and key."""

    engine: AsyncEngine
    clock: Clock
    skew: timedelta

    async def recall(self, actor: str, key: str) -> Reply | None:
        """Read the row, unless its time is over."""
        async with reading(self.engine) as connection:
            at = (await now(connection, self.clock, self.skew)).at
            return await _kept(connection, actor, key, at)

    async def keep(self, actor: str, key: str, reply: Reply) -> Reply:
        """Write the row where there is none; what is past its time goes."""

        async def kept(connection: AsyncConnection) -> Reply:
            await lock(connection)
            at = (await now(connection, self.clock, self.skew)).at
            await connection.execute(delete(replies).where(replies.c.made_at < from_moment(at - KEPT_FOR)))
            known = await _kept(connection, actor, key, at)
            if known is not None:
                return known
            row = {"actor": actor, "key": key, "digest": reply.digest, "status": reply.status, "body": reply.body}
            await connection.execute(insert(replies).values({**row, "made_at": from_moment(at)}))
            return reply

        return await change(self.engine, kept)


async def _kept(connection: AsyncConnection, actor: str, key: str, at: datetime) -> Reply | None:
    mine = select(replies).where(replies.c.actor == actor, replies.c.key == key)
    fresh = mine.where(replies.c.made_at >= from_moment(at - KEPT_FOR))
    row = (await connection.execute(fresh)).mappings().first()
    if row is None:
        return None
    with as_written("reply"):
        return Reply(digest=to_digest(row["digest"]), status=to_number(row["status"]), body=to_text(row["body"]))
