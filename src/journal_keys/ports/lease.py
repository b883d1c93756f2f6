"""A courtesy between instances: usually one does what each could do. Nothing depends on it: the ledger decides."""

from abc import abstractmethod
from datetime import timedelta
from typing import Protocol, runtime_checkable


@runtime_checkable
class Lease(Protocol):
    """Turns by name. No method raises, or waits longer than for any other question to where leases are kept."""

    @abstractmethod
    async def take(self, name: str, lasts: timedelta) -> bool:
        """Take this turn, or hold it on, for so long from now; False if another instance holds it.

        True, too, where nobody can tell.
        """
        ...

    @abstractmethod
    async def give_back(self, name: str) -> None:
        """Let another have the turn at once, if it is ours."""
        ...
