"""Which instances of the application there are, and which generation of each ring they hold."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family


@runtime_checkable
class Fleet(Protocol):
    """Reports of live instances, kept beside the rings. Raises as `Ledger` does.

    A live instance that holds an older generation of a ring is shown by `Ledger.read` of that ring, and holds back its
    promotion.
    """

    @abstractmethod
    async def report(self, name: str, generations: Mapping[Family, int], *, expires_in: timedelta) -> None:
        """Say that the instance lives and which generations it holds; a ring that is left out is held at 0.

        The report counts for `expires_in` on the ledger's clock, and takes the place of the one before.
        """
        ...

    @abstractmethod
    async def leave(self, name: str) -> None:
        """Forget the instance; one that is not known is no error."""
        ...

    @abstractmethod
    async def instances(self) -> Sequence[Instance]:
        """Every instance whose report counts, by name."""
        ...
