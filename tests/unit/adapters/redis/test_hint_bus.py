"""Who listens no longer is waited for, whatever the client of an application overhears."""

import asyncio
from contextlib import suppress

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import Connection

from journal_keys.adapters.memory.clock import ManualClock
from tests.support.shared import START, sharing


async def test_listening_ends_though_the_client_overheard_it() -> None:
    begun = asyncio.Event()

    class OverhearsOnce(Connection):
        """Waits for ever, and overhears the first word that nobody wants that, as `wait_for` may before Python 3.12."""

        async def connect(self) -> None:
            begun.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()

    async with (
        Redis(connection_pool=ConnectionPool(connection_class=OverhearsOnce)) as own,
        asyncio.timeout(10),
        sharing(own, ManualClock(START)) as shared,
    ):
        shared.hints.listen(lambda _: None)
        await begun.wait()
