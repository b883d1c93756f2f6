"""Saying that something changed. Hints may be lost, doubled or late: polling the ledger is the truth."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from journal_keys.domain.keys import Family
from journal_keys.domain.paths import SecretPath


@runtime_checkable
class HintBus(Protocol):
    """Wakes refreshers, in this process and, where instances share one, in others."""

    @abstractmethod
    async def publish(self, family: Family, generation: int) -> None:
        """Tell whoever listens that this ring has this generation now; never raises, never waits for them."""
        ...

    @abstractmethod
    def wake(self) -> None:
        """End the waits of this process as a hint does."""
        ...

    @abstractmethod
    async def wait(self, timeout_s: float) -> bool:
        """Wait for a hint since the last wait, at most this long; True if there was one.

        Where hints of others may have been lost on their way here, that counts as one.
        """
        ...

    @abstractmethod
    def listen(self, forget: Callable[[SecretPath | None], object]) -> None:
        """From now on hear other processes, and call this with what one of them forgot where instances share secrets.

        That is a path with all below it, or None for everything, which is also said where something may have been lost
        on its way here. What this process itself forgot is not told back.
        """
        ...
