"""Describe the rings, the instances and the audit trail as they are now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from journal_keys.domain.keys import Family
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.status import RingStatus, StatusReport, ring_status
from journal_keys.domain.windows import Windows
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.fleet import Fleet
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import Ledger
from journal_keys.use_cases.watch_audit import WatchAudit

_RECENT: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStatus:
    """Asks the ledger only: what it says holds for all instances."""

    ledger: Ledger
    fleet: Fleet
    trail: AuditTrail
    usage: KeyUsage
    watch: WatchAudit
    policies: Mapping[Family, RotationPolicy]
    windows: Windows

    async def __call__(self) -> StatusReport:
        """Give the report, with the audit trail as it was when this process last followed it.

        Raises:
            LedgerError: the ledger could not be read.
        """
        looked = {family: await self._ring(family, policy) for family, policy in self.policies.items()}
        head = await self.trail.head()
        recent = await self.trail.entries(after=max(head.sequence - _RECENT, 0), limit=_RECENT)
        return StatusReport(
            at=max(at for at, _ in looked.values()),
            rings={family: status for family, (_, status) in looked.items()},
            instances=tuple(await self.fleet.instances()),
            audit=self.watch.status(),
            recent=tuple(reversed(recent)),
        )

    async def _ring(self, family: Family, policy: RotationPolicy) -> tuple[datetime, RingStatus | None]:
        page = await self.ledger.read(family)
        if page.ring is None:
            return page.now, None
        used = await self.usage.total(page.ring.active.kid) if family is Family.AES else 0
        return page.now, ring_status(
            page.ring,
            policy,
            self.windows,
            now=page.now,
            waiting=page.waiting,
            behind=page.behind,
            encryptions=used,
        )
