"""Telling the ledger how far this host's clock has come, and setting its idea of that right."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from journal_keys.domain.audit_chain import AuditHead


@runtime_checkable
class ClockKeeper(Protocol):
    """Raises as `Ledger` does."""

    @abstractmethod
    async def keep_clock(self) -> None:
        """Keep what this host's clock has counted, so that a reboot loses nothing of it.

        Raises:
            ClockWentBackError: the host's clock stands before a time that the ledger has seen.
        """
        ...

    @abstractmethod
    async def accept_clock(self, *, actor: str, reason: str) -> AuditHead:
        """Go on from this host's clock, wherever it stands, and audit that; the ledger's time does not go back."""
        ...
