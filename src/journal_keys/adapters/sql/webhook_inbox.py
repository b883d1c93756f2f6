"""Digests of webhooks in SQL."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql.columns import from_moment
from journal_keys.adapters.sql.ledger_clock import lock, now
from journal_keys.adapters.sql.tables import webhook_deliveries
from journal_keys.adapters.sql.transactions import change
from journal_keys.ports.clock import Clock
from journal_keys.ports.webhook_inbox import KEPT_FOR, WebhookInbox


@dataclass(frozen=True)
class SqlWebhookInbox(WebhookInbox):
    """The table `webhook_deliveries`, one row per digest, for as long as one may come again."""

    engine: AsyncEngine
    clock: Clock
    skew: timedelta

    async def take(self, digest: str) -> bool:
        """Look for the row, and write it where there is none; what is past its time goes."""

        async def taken(connection: AsyncConnection) -> bool:
            await lock(connection)
            at = (await now(connection, self.clock, self.skew)).at
            stored = webhook_deliveries.c
            await connection.execute(delete(webhook_deliveries).where(stored.received_at < from_moment(at - KEPT_FOR)))
            if (await connection.execute(select(stored.digest).where(stored.digest == digest))).first() is not None:
                return False
            row = {"digest": digest, "received_at": from_moment(at)}
            await connection.execute(insert(webhook_deliveries).values(row))
            return True

        return await change(self.engine, taken)
