"""A ledger that can be stopped: who asks for the heads then waits, and is told nothing when it goes on."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from journal_keys.domain.keyring import RingHead
from journal_keys.domain.keys import Family
from journal_keys.ports.ledger import LedgerUnavailableError
from tests.support.passing_ledger import PassingLedger


@dataclass(kw_only=True)
class StalledLedger(PassingLedger):
    """Answers, until it is stopped."""

    asked: int = 0
    """How often anybody asked since it was stopped."""
    _goes: asyncio.Event | None = field(default=None, init=False)

    def stop(self) -> None:
        """Answer nobody from now on."""
        self.asked, self._goes = 0, asyncio.Event()

    def fail(self) -> None:
        """Tell those who wait that there was no answer; who asks next waits again."""
        if self._goes is not None:
            self._goes.set()
        self._goes = asyncio.Event()

    def go_on(self) -> None:
        """Answer who asks next."""
        self.fail()
        self._goes = None

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Answer nobody in here."""
        self.stop()
        try:
            yield
        finally:
            self.go_on()

    async def heads(self) -> Mapping[Family, RingHead]:
        if self._goes is None:
            return await super().heads()
        self.asked += 1
        await self._goes.wait()
        raise LedgerUnavailableError("planned: no answer")
