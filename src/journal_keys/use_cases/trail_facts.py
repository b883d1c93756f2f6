"""Everything that was ever audited, page by page."""

from collections.abc import AsyncIterator

from journal_keys.domain.changes import AuditFact
from journal_keys.ports.audit_trail import AuditTrail

_PAGE = 1000


async def facts(trail: AuditTrail) -> AsyncIterator[AuditFact]:
    """Give each fact, oldest first.

    Raises:
        LedgerError: the trail could not be read.
    """
    after = 0
    while entries := await trail.entries(after=after, limit=_PAGE):
        after = entries[-1].sequence
        for entry in entries:
            yield entry.fact
