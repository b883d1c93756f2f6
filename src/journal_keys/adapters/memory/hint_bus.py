"""Hints within one process."""

import asyncio
from collections.abc import Callable

from journal_keys.domain.keys import Family
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.hint_bus import HintBus


class MemoryHintBus(HintBus):
    """One event: hints that come before anybody waits are kept as one."""

    def __init__(self) -> None:
        self._hinted = asyncio.Event()

    async def publish(self, family: Family, generation: int) -> None:  # noqa: ARG002 (one waiter refreshes every ring)
        """Wake whoever waits."""
        self.wake()

    def wake(self) -> None:
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

    def listen(self, forget: Callable[[SecretPath | None], object]) -> None:
        """Hear nothing: there is no other process."""
