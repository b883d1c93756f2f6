"""Follow the audit chain from its beginning, or from a head that was kept elsewhere."""

from dataclasses import dataclass

from journal_keys.domain import audit_chain
from journal_keys.domain.audit_chain import EMPTY, AuditHead
from journal_keys.domain.errors import AuditChainBrokenError
from journal_keys.ports.audit_trail import AuditTrail

_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAudit:
    """Check every link."""

    trail: AuditTrail

    async def __call__(self, *, kept: AuditHead | None = None) -> AuditHead:
        """Give the head that the chain ends with.

        Raises:
            AuditChainBrokenError: a link does not hold, or the chain does not pass through `kept`.
            LedgerError: the trail could not be read.
        """
        head, passed = EMPTY, kept is None or kept == EMPTY
        while entries := await self.trail.entries(after=head.sequence, limit=_PAGE):
            for entry in entries:
                head = audit_chain.verify((entry,), after=head)
                passed = passed or head == kept
        if not passed and kept is not None:
            raise AuditChainBrokenError(
                f"the chain ends at entry {head.sequence} and never had the kept head of entry {kept.sequence}"
            )
        return head
