"""What was counted, read back: for a page that shows it without a server of Prometheus."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import Metric

from journal_keys.adapters.prometheus.exposition import registry_of
from journal_keys.domain.keys import Family

_SHOWN: Final = {
    "infisical_fetch_total": "source",
    "infisical_fetch_errors_total": "error",
    "infisical_webhook_events_total": "status",
    "journal_keys_redis_questions_total": "result",
    "journal_keys_old_format_reads_total": "format",
}
"""Counters, and the label of each by which they are summed."""
_HELD: Final = "journal_keys_ring_generation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Sums over all processes of the service, since they began to count; what never happened is not in them.

    Beside them, what each of these processes holds.
    """

    fetches: Mapping[str, int]
    """Of secrets and folders, by what answered."""
    failures: Mapping[str, int]
    """Of the store, by class."""
    webhooks: Mapping[str, int]
    """By what became of them."""
    redis: Mapping[str, int]
    """Questions, by what became of them."""
    old_formats: Mapping[str, int]
    """Reads of what was made before a migration, by format."""
    held: tuple[Mapping[Family, int], ...]
    """Of each process that runs and has a view: the generations of the rings in it."""


def counts(*, folder: Path | None) -> Counts:
    """Read those of this process, or of all that keep their figures in the `folder`."""
    return counted_in(registry_of(folder).collect())


def counted_in(metrics: Iterable[Metric]) -> Counts:
    """Read them from what a registry holds, or a service gave.

    Raises:
        KeyError: one has not the label by which it is summed.
        ValueError: there is a ring that is not known, or a figure is no number.
        OverflowError: a figure is endless.
    """
    held = defaultdict[str, dict[Family, int]](dict)
    sums = {name: Counter[str]() for name in _SHOWN}
    for metric in metrics:
        for sample in metric.samples:
            if sample.name in sums:
                sums[sample.name][sample.labels[_SHOWN[sample.name]]] += int(sample.value)
            elif sample.name == _HELD:
                held[sample.labels.get("pid", "")][Family(sample.labels["ring"])] = int(sample.value)
    fetches, failures, webhooks, redis, old_formats = (
        +one for one in sums.values()
    )  # what is shown as 0 from the start
    return Counts(
        fetches=fetches,
        failures=failures,
        webhooks=webhooks,
        redis=redis,
        old_formats=old_formats,
        held=tuple(held.values()),
    )
