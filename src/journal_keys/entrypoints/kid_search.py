"""What is done about a kid that the view does not hold: the ring is looked at, but not for everybody's random kids."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from journal_keys.container import Container
from journal_keys.entrypoints.background import renew_views

COOL_DOWN_S: Final = 1.0


@dataclass(slots=True)
class KidSearch:
    """One look at the ring per second at the most, whoever asks with what."""

    _looking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _looked_s: float = field(default=float("-inf"), init=False)

    async def __call__(self, container: Container) -> None:
        """Bring the views up to the ledger, unless that was done a moment ago; who comes meanwhile shares the look."""
        async with self._looking:
            now_s = container.clock().uptime_s()
            if now_s - self._looked_s >= COOL_DOWN_S:
                self._looked_s = now_s
                await renew_views(container)
