"""Figures that nobody but this process looks at."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.labels import error_label, method_label, path_label, webhook_labels
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.status import AuditStatus
from journal_keys.domain.webhooks import WebhookOutcome
from journal_keys.ports.meter import Hits, LedgerFigures, Meter, RingFigures, Source

Labels: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class MemoryMeter(Meter):
    """Counts by label."""

    fetches: Counter[Labels] = field(default_factory=Counter)
    """By source and path."""
    errors: Counter[Labels] = field(default_factory=Counter)
    """By path and class."""
    rotations: Counter[Labels] = field(default_factory=Counter)
    """By ring and method."""
    webhooks: Counter[Labels] = field(default_factory=Counter)
    """By event and what became of it."""
    lags_s: list[float] = field(default_factory=list)
    rings: dict[Family, RingFigures] = field(default_factory=dict)
    ledger: dict[Family, LedgerFigures] = field(default_factory=dict)
    audit: AuditStatus | None = None
    store_is_silent: bool = False
    encryptions: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    """By result."""
    formats: Counter[str] = field(default_factory=Counter)
    """By format."""
    _hits: dict[str, Hits] = field(default_factory=dict)

    def hits(self, path: SecretPath) -> Hits:
        """Give those of its label."""
        return self._hits.setdefault(path_label(path), Hits())

    def questions(self) -> Counter[str]:
        """Give those."""
        return self.asked

    def old_formats(self) -> Counter[str]:
        """Give those."""
        return self.formats

    def fetched(self, path: SecretPath, source: Source, took_s: float) -> None:  # noqa: ARG002 (nobody looks)
        """Count it."""
        self.fetches[source, path_label(path)] += 1

    def read(self, folder: SecretPath, source: Source, took_s: float) -> None:
        """Count it as any other fetch."""
        self.fetched(folder, source, took_s)

    def failed(self, path: SecretPath, error: Exception) -> None:
        """Count it."""
        self.errors[path_label(path), error_label(error)] += 1

    def rotated(self, family: Family, actor: str) -> None:
        """Count it."""
        self.rotations[family, method_label(actor)] += 1

    def heard(self, result: WebhookOutcome | JournalKeysError) -> None:
        """Count it."""
        self.webhooks[webhook_labels(result)] += 1

    def arrived(self, lag_s: float) -> None:
        """Keep it."""
        self.lags_s.append(lag_s)

    def show(self, figures: RingFigures) -> None:
        """Keep them."""
        self.rings[figures.family] = figures

    def show_ledger(self, figures: LedgerFigures) -> None:
        """Keep them."""
        self.ledger[figures.family] = figures

    def show_audit(self, status: AuditStatus) -> None:
        """Keep it."""
        self.audit = status

    def show_store(self, *, is_silent: bool) -> None:
        """Keep it."""
        self.store_is_silent = is_silent

    def encrypted(self, total: int) -> None:
        """Keep it."""
        self.encryptions = total

    def publish(self) -> None:
        """Count the hits."""
        for label, hits in self._hits.items():
            self.fetches[Source.MEMORY, label] = hits.count
