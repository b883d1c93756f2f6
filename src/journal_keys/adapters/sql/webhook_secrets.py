"""The secrets of the webhook in SQL."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql.audit_trail import append_facts
from journal_keys.adapters.sql.columns import as_written, from_moment, to_moment, to_moment_or_none, to_text
from journal_keys.adapters.sql.ledger_clock import keep_time, lock, now
from journal_keys.adapters.sql.tables import webhook_secrets
from journal_keys.adapters.sql.transactions import change, reading
from journal_keys.domain.webhook_secrets import SecretsPage, WebhookSecret, secret_made, secret_used
from journal_keys.ports.clock import Clock
from journal_keys.ports.webhook_secrets import WebhookSecrets


def from_secret(secret: WebhookSecret) -> dict[str, object]:
    """Write the row of `webhook_secrets`."""
    return {"name": secret.name, "made_at": from_moment(secret.made_at), "used_at": from_moment(secret.used_at)}


async def read_secrets(connection: AsyncConnection) -> tuple[WebhookSecret, ...]:
    """Read all of them, oldest first.

    Raises:
        LedgerCorruptError: a malformed column.
    """
    found = (await connection.execute(select(webhook_secrets))).mappings().all()
    with as_written("webhook secrets"):
        made = [
            WebhookSecret(
                name=to_text(row["name"]),
                made_at=to_moment(row["made_at"]),
                used_at=to_moment_or_none(row["used_at"]),
            )
            for row in found
        ]
    return tuple(sorted(made, key=lambda one: (one.made_at, one.name)))


@dataclass(frozen=True)
class SqlWebhookSecrets(WebhookSecrets):
    """The table `webhook_secrets`, one row per secret that was ever made."""

    engine: AsyncEngine
    clock: Clock
    skew: timedelta

    async def known_secrets(self) -> SecretsPage:
        """Read the table and the clock in one transaction."""
        async with reading(self.engine) as connection:
            made = await read_secrets(connection)
            at = (await now(connection, self.clock, self.skew)).at
        return SecretsPage(now=at, made=made)

    async def introduce(self, name: str, *, actor: str, reason: str) -> SecretsPage:
        """Write the row and the fact."""

        async def introduced(connection: AsyncConnection) -> SecretsPage:
            await lock(connection)
            time = await now(connection, self.clock, self.skew)
            await keep_time(connection, time)
            made = (*await read_secrets(connection), WebhookSecret(name=name, made_at=time.at))
            await connection.execute(insert(webhook_secrets).values(from_secret(made[-1])))
            await append_facts(connection, (secret_made(made, actor=actor, reason=reason),))
            return SecretsPage(now=time.at, made=made)

        return await change(self.engine, introduced)

    async def confirm(self, name: str) -> None:
        """Set the row's moment where it has none, and write the fact."""

        async def confirmed(connection: AsyncConnection) -> None:
            await lock(connection)
            time = await now(connection, self.clock, self.skew)
            unused = update(webhook_secrets).where(webhook_secrets.c.name == name, webhook_secrets.c.used_at.is_(None))
            if (await connection.execute(unused.values(used_at=from_moment(time.at)))).rowcount:
                await keep_time(connection, time)
                await append_facts(connection, (secret_used(name, time.at),))

        await change(self.engine, confirmed)
