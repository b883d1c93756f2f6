"""Replies to repeated requests in SQL."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql.columns import as_written, from_moment, to_digest, to_number, to_text
from journal_keys.adapters.sql.ledger_clock import lock, now
from journal_keys.adapters.sql.tables import replies
from journal_keys.adapters.sql.transactions import change
from journal_keys.ports.clock import Clock
from journal_keys.ports.replies import KEPT_FOR, Replies, Reply, check_same_request

_NONE_YET: Final = 0
"""The status in a row whose request was not answered, or not for good."""


@dataclass(frozen=True)
class SqlReplies(Replies):
    """The table `replies`, one row per caller and key."""

    engine: AsyncEngine
    clock: Clock
    skew: timedelta

    async def begin(self, actor: str, key: str, digest: str) -> Reply | None:
        """Write the row without a reply, unless there is one."""
        return await self._settled(actor, key, Reply(digest=digest, status=_NONE_YET, body=""))

    async def keep(self, actor: str, key: str, reply: Reply) -> Reply:
        """Write the reply into the row, unless one is there."""
        return await self._settled(actor, key, reply) or reply

    async def _settled(self, actor: str, key: str, reply: Reply) -> Reply | None:
        """Write what is new; give the reply that is there now. What is past its time goes."""

        async def settled(connection: AsyncConnection) -> Reply:
            await lock(connection)
            at = (await now(connection, self.clock, self.skew)).at
            await connection.execute(delete(replies).where(replies.c.made_at < from_moment(at - KEPT_FOR)))
            known = await _kept(connection, actor, key)
            if known is not None:
                check_same_request(known, reply.digest)
            if known is not None and (known.status != _NONE_YET or reply.status == _NONE_YET):
                return known
            await connection.execute(delete(replies).where(*_mine(actor, key)))
            row = {"actor": actor, "key": key, "digest": reply.digest, "status": reply.status, "body": reply.body}
            await connection.execute(insert(replies).values({**row, "made_at": from_moment(at)}))
            return reply

        found = await change(self.engine, settled)
        return None if found.status == _NONE_YET else found


def _mine(actor: str, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return replies.c.actor == actor, replies.c.key == key


async def _kept(connection: AsyncConnection, actor: str, key: str) -> Reply | None:
    row = (await connection.execute(select(replies).where(*_mine(actor, key)))).mappings().first()
    if row is None:
        return None
    with as_written("reply"):
        return Reply(digest=to_digest(row["digest"]), status=to_number(row["status"]), body=to_text(row["body"]))
