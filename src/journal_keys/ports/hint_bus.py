"""Saying that something changed. Hints may be lost, doubled or late: polling the ledger is the truth."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from journal_keys.domain.keys import Family


@runtime_checkable
class HintBus(Protocol):
    """Wakes refreshers."""

    @abstractmethod
    async def publish(self, family: Family) -> None:
        """Tell whoever listens that this ring changed; never raises, never waits for them."""
        ...

    @abstractmethod
    async def wait(self, timeout_s: float) -> bool:
        """Wait for a hint since the last wait, at most this long; True if there was one."""
        ...
