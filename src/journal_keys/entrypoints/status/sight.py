"""What the answers are made of: what the ledger says, and what a process that serves knows by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family
from journal_keys.domain.status import AuditStatus, StatusReport
from journal_keys.domain.windows import Windows
from journal_keys.use_cases.check_health import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A ring as this process holds it. `age` is the time since the ledger last confirmed it."""

    ring: KeyRing
    confirmed_at: datetime
    age: timedelta
    is_restored: bool
    has_material: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What a process that serves knows beside the ledger."""

    instance: str
    known: Mapping[Family, Known | None]
    windows: Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the figures of all processes of one service tell: of each, the generations of the rings that it holds."""

    name: str
    held: tuple[Mapping[Family, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Everything at one moment; `at` is this machine's clock.

    Where the ledger could not be read, `failure` says why, and `report` is None or a former one. `reports` is whether
    instances that share this ledger say what they hold. `health` is None where it could not be found out in time.
    `process` is None where a command asks: it holds no ring of its own. `service` is None where no figures are known.
    """

    at: datetime
    report: StatusReport | None
    audit: AuditStatus
    reports: bool
    health: Health | None
    failure: str = ""
    process: Process | None = None
    service: Service | None = None

    @property
    def is_current(self) -> bool:
        """Whether the report is of now: a former one is shown with the failure to make another."""
        return self.report is not None and not self.failure

    @property
    def now(self) -> datetime:
        """What moments are seen from: the ledger's time, where it answers."""
        return self.report.at if self.report else self.at

    def known(self, family: Family) -> Known | None:
        """Give the ring as this process holds it, None where it holds none."""
        return self.process.known[family] if self.process else None
