"""The figures of this process, under the names that the integration guide promises and some more.

Where PROMETHEUS_MULTIPROC_DIR is set before the first import, the figures lie in files there, and whichever process is
asked gives those of all. Counts are summed, and outlive their process; a gauge carries the `pid` of its process.
"""

from collections import Counter as Tally
from functools import cache
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from journal_keys.adapters.prometheus.gauges import AuditGauges, LedgerGauges, ViewGauges, gauge
from journal_keys.domain.encryption_budget import REFUSE_AT
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.labels import REFUSALS, error_label, method_label, path_label, webhook_labels
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.status import AuditStatus
from journal_keys.domain.webhooks import WebhookOutcome
from journal_keys.ports.meter import Hits, LedgerFigures, Meter, RingFigures, Source

_BUCKETS_S: Final = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LAG_BUCKETS_S: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""Up to the longest tolerance of a delivery's age."""


class PrometheusMeter(Meter):
    """Metrics of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._fetches = counter(
            "infisical_fetch", "Fetches of a secret, or of a folder, by what answered.", "source", "path"
        )
        self._errors = counter("infisical_fetch_errors", "Failures of the store, by class.", "path", "error")
        self._durations = Histogram(
            "infisical_fetch_duration_seconds",
            "Duration of fetches that memory could not answer.",
            ("path",),
            registry=registry,
            buckets=_BUCKETS_S,
        )
        self._cache_hits = counter("infisical_cache_hit", "Fetches of a secret that memory or Redis answered.", "path")
        self._cache_misses = counter(
            "infisical_cache_miss", "Fetches of a secret that the store was asked for.", "path"
        )
        self._rotations = {
            family: counter(f"{family}_key_rotation", "Promotions by this process, by who asked.", "method")
            for family in Family
        }
        self._webhooks = counter("infisical_webhook_events", "Webhooks, by what became of them.", "event", "status")
        self._lags = Histogram(
            "journal_keys_webhook_lag_seconds",
            "From when a webhook that was taken says that it was sent to its arrival.",
            registry=registry,
            buckets=_LAG_BUCKETS_S,
        )
        self._views, self._ledger = ViewGauges(registry), LedgerGauges(registry)
        self._audit: AuditGauges | None = None
        self._silent = gauge(
            registry, "journal_keys_store_breaker_open", "1 where the store gave no answer when last asked."
        )
        self._encryptions = gauge(registry, "journal_keys_aes_encryptions", "By the ACTIVE key, in all processes.")
        limit = gauge(registry, "journal_keys_aes_encryptions_limit", "How many one AES key may make.")
        limit.set(REFUSE_AT)
        self._asked = counter("journal_keys_redis_questions", "What became of questions to Redis.", "result")
        self._old = counter(
            "journal_keys_old_format_reads", "Tokens and ciphertexts from before a migration that were read.", "format"
        )
        self._hits: dict[str, Hits] = {}
        self._questions: Tally[str] = Tally()
        self._old_formats: Tally[str] = Tally()
        self._shown: dict[str, int] = {}
        self._heard = {labels: self._webhooks.labels(*labels) for labels in REFUSALS}  # the first counts as a rise
        self._registry = registry

    def hits(self, path: SecretPath) -> Hits:
        """Give those of its label."""
        return self._hits.setdefault(path_label(path), Hits())

    def questions(self) -> Tally[str]:
        """Give the one of this process."""
        return self._questions

    def old_formats(self) -> Tally[str]:
        """Give the one of this process."""
        return self._old_formats

    def fetched(self, path: SecretPath, source: Source, took_s: float) -> None:
        """Count it, its duration, and the hit or the miss."""
        self.read(path, source, took_s)
        (self._cache_hits if source is Source.REDIS else self._cache_misses).labels(path_label(path)).inc()

    def read(self, folder: SecretPath, source: Source, took_s: float) -> None:
        """Count it, and its duration."""
        label = path_label(folder)
        self._durations.labels(label).observe(took_s)
        self._fetches.labels(source.value, label).inc()

    def failed(self, path: SecretPath, error: Exception) -> None:
        """Count it."""
        self._errors.labels(path_label(path), error_label(error)).inc()

    def rotated(self, family: Family, actor: str) -> None:
        """Count it under its ring's own name."""
        self._rotations[family].labels(method_label(actor)).inc()

    def heard(self, result: WebhookOutcome | JournalKeysError) -> None:
        """Count it."""
        labels = webhook_labels(result)
        if labels not in self._heard:
            self._heard[labels] = self._webhooks.labels(*labels)
        self._heard[labels].inc()

    def arrived(self, lag_s: float) -> None:
        """Count it."""
        self._lags.observe(lag_s)

    def show(self, figures: RingFigures) -> None:
        """Set its gauges."""
        self._views.show(figures)

    def show_ledger(self, figures: LedgerFigures) -> None:
        """Set its gauges."""
        self._ledger.show(figures)

    def show_audit(self, status: AuditStatus) -> None:
        """Set its gauges, which are made the first time."""
        if self._audit is None:
            self._audit = AuditGauges(self._registry)
        self._audit.show(status)

    def show_store(self, *, is_silent: bool) -> None:
        """Set it."""
        self._silent.set(1 if is_silent else 0)

    def encrypted(self, total: int) -> None:
        """Set it."""
        self._encryptions.set(total)

    def publish(self) -> None:
        """Add what is new."""
        for label, hits in list(self._hits.items()):
            news = self._news(f"hits of {label}", hits.count)
            self._fetches.labels(Source.MEMORY.value, label).inc(news)
            self._cache_hits.labels(label).inc(news)
        for result, total in list(self._questions.items()):
            self._asked.labels(result).inc(self._news(f"questions {result}", total))
        for form, total in list(self._old_formats.items()):
            self._old.labels(form).inc(self._news(f"old format {form}", total))

    def _news(self, name: str, total: int) -> int:
        news = total - self._shown.get(name, 0)
        self._shown[name] = total
        return news


@cache
def process_meter() -> PrometheusMeter:
    """The one meter of this process, in the registry that the application's own metrics are in."""
    return PrometheusMeter(REGISTRY)
