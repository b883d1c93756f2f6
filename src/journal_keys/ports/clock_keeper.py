"""Setting the ledger's idea of this host's clock right."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from journal_keys.domain.audit_chain import AuditHead


@runtime_checkable
class ClockKeeper(Protocol):
    """Raises as `Ledger` does, but for `ClockWentBackError`."""

    @abstractmethod
    async def accept_clock(self, *, actor: str, reason: str) -> AuditHead:
        """Go on from this host's clock, wherever it stands, and audit that; the ledger's time does not go back."""
        ...
