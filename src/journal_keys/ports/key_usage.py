"""How often each AES key has encrypted, over all processes."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from journal_keys.domain.keys import Kid


@runtime_checkable
class KeyUsage(Protocol):
    """A counter per kid. Raises as `Ledger` does."""

    @abstractmethod
    async def add(self, kid: Kid, encryptions: int) -> int:
        """Add `encryptions` (≥ 0) to the kid's count and give the sum over all processes so far."""
        ...

    @abstractmethod
    async def total(self, kid: Kid) -> int:
        """Give the sum over all processes so far, 0 for a kid that was never counted. Writes nothing."""
        ...
