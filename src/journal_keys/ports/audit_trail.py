"""Reading what was audited. Writing is the ledger's, in the transaction of the change itself."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from journal_keys.domain.audit_chain import AuditEntry, AuditHead
from journal_keys.domain.changes import AuditFact


@runtime_checkable
class AuditTrail(Protocol):
    """The chain of audit entries, in order, as the ledger holds it. Raises as `Ledger` does."""

    @abstractmethod
    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Up to `limit` (1 to 10,000) entries with a sequence number above `after` (≥ 0), in order."""
        ...

    @abstractmethod
    async def head(self) -> AuditHead:
        """The last link; sequence 0 where there is none."""
        ...

    @abstractmethod
    async def append(self, fact: AuditFact) -> AuditHead:
        """Record a fact that changes no ring, and give the new head."""
        ...
