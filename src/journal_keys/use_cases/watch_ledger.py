"""Show what the ledger says of rings, instances and audit trail, to whoever watches this process."""

from dataclasses import dataclass
from datetime import timedelta

from journal_keys.domain.fleet import laggards
from journal_keys.domain.status import RingStatus, StatusReport
from journal_keys.ports.clock import Clock
from journal_keys.ports.meter import LedgerFigures, Meter
from journal_keys.use_cases.describe_status import DescribeStatus
from journal_keys.use_cases.watch_audit import WatchAudit


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLedger:
    """Every process that serves looks by itself: what one shows is no older than its own last look."""

    audit: WatchAudit
    describe: DescribeStatus
    clock: Clock
    meter: Meter

    async def __call__(self) -> None:
        """Follow the audit trail, then show what is known of it, and what the ledger says of each ring there is.

        Raises:
            LedgerError: the ledger could not be read; what was shown of its rings stays.
        """
        try:
            await self.audit()
        finally:
            self.meter.show_audit(self.audit.status())
        report = await self.describe()
        behind = self.clock.read().wall - report.at
        for status in report.rings.values():
            if status is not None:
                self.meter.show_ledger(_figures(report, status, behind))


def _figures(report: StatusReport, status: RingStatus, behind: timedelta) -> LedgerFigures:
    """On the wall clock, which the ledger's time stands so far behind."""
    return LedgerFigures(
        family=status.ring.family,
        generation=status.ring.generation,
        waits_since=status.wait.since + behind if status.wait else None,
        obstacle=status.wait.obstacle if status.wait else None,
        behind=len(laggards(report.instances, status.ring)),
        encryptions=status.encryptions,
    )
