"""Say why a key is in the state it is in, what happens to it next, and when."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain.changes import AuditFact
from journal_keys.domain.errors import UnknownKeyError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import Explanation
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.status import next_of
from journal_keys.domain.windows import Windows
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.ledger import Ledger

_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainKey:
    """Read a key's present and past."""

    ledger: Ledger
    trail: AuditTrail
    policies: Mapping[Family, RotationPolicy]
    windows: Windows

    async def __call__(self, kid: Kid) -> Explanation:
        """Give the explanation.

        Raises:
            UnknownKeyError: no ring ever had the key.
            LedgerError: the ledger could not be read.
        """
        for family in self.policies:
            page = await self.ledger.read(family)
            version = page.ring.find(kid) if page.ring else None
            if page.ring is not None and version is not None:
                policy, wanted = self.policies[family], bool(page.waiting)
                event, at = next_of(page.ring, version, policy, self.windows, wanted=wanted)
                return Explanation(
                    family=family,
                    kid=kid,
                    state=version.state,
                    since=version.since,
                    because=await self._because(kid),
                    next_event=event,
                    next_at=at,
                )
        raise UnknownKeyError(f"no ring ever had a key {kid}; 'keys list' shows those there are")

    async def _because(self, kid: Kid) -> str:
        last: AuditFact | None = None
        after = 0
        while entries := await self.trail.entries(after=after, limit=_PAGE):
            after = entries[-1].sequence
            last = next((entry.fact for entry in reversed(entries) if entry.fact.kid == kid), last)
        return f"{last.action} by {last.actor}: {last.reason}" if last else "the audit trail does not name it"
