"""What was counted, read back: for a page that shows it without a server of Prometheus."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import Metric

from journal_keys.adapters.prometheus.exposition import registry_of

_SHOWN: Final = {
    "infisical_fetch_total": "source",
    "infisical_fetch_errors_total": "error",
    "infisical_webhook_events_total": "status",
    "journal_keys_redis_questions_total": "result",
    "journal_keys_old_format_reads_total": "format",
}
"""Counters, and the label of each by which they are summed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Sums over all processes of the service, since they began to count; what never happened is not in them."""

    fetches: Mapping[str, int]
    """Of secrets, by what answered."""
    failures: Mapping[str, int]
    """Of the store, by class."""
    webhooks: Mapping[str, int]
    """By what became of them."""
    redis: Mapping[str, int]
    """Questions, by what became of them."""
    old_formats: Mapping[str, int]
    """Reads of what was made before a migration, by format."""


def counts(*, folder: Path | None) -> Counts:
    """Read those of this process, or of all that keep their figures in the `folder`."""
    return counted_in(registry_of(folder).collect())


def counted_in(metrics: Iterable[Metric]) -> Counts:
    """Read them from what a registry holds, or a service gave.

    Raises:
        KeyError: one has not the label by which it is summed.
    """
    sums = {name: Counter[str]() for name in _SHOWN}
    for metric in metrics:
        for sample in metric.samples:
            if sample.name in sums:
                sums[sample.name][sample.labels[_SHOWN[sample.name]]] += int(sample.value)
    fetches, failures, webhooks, redis, old_formats = (
        +one for one in sums.values()
    )  # what is shown as 0 from the start
    return Counts(fetches=fetches, failures=failures, webhooks=webhooks, redis=redis, old_formats=old_formats)
