"""Hints within one process."""

import asyncio

from journal_keys.domain.keys import Family
from journal_keys.ports.hint_bus import HintBus


class MemoryHintBus(HintBus):
    """One event: hints that come before anybody waits are kept as one."""

    def __init__(self) -> None:
        self._hinted = asyncio.Event()

    async def publish(self, family: Family) -> None:  # noqa: ARG002 (one waiter refreshes every ring)
        """Wake whoever waits."""
        self._hinted.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a hint, at most this long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._hinted.wait()
        except TimeoutError:
            return False
        self._hinted.clear()
        return True
