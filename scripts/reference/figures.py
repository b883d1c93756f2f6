"""The page of the figures, from the collectors of a meter on a registry of its own."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from journal_keys.adapters.crypto.token_cipher import OLD_FERNET, OLD_V1
from journal_keys.adapters.crypto.token_codec import OLD_TOKEN
from journal_keys.adapters.prometheus.meter import PrometheusMeter
from journal_keys.adapters.redis.counts import Count
from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.keys import Family
from journal_keys.domain.labels import EVENTS, METHODS, OTHER, PATHS, STATUSES
from journal_keys.domain.status import AuditStatus, Obstacle
from journal_keys.ports.meter import Source
from scripts.reference.markdown import code, one_of, table

LABELS: Final[Mapping[str, Iterable[str]]] = {
    "because": list(Obstacle),
    "error": (),
    "event": sorted(EVENTS),
    "format": [OLD_TOKEN, OLD_V1, OLD_FERNET],
    "method": sorted(METHODS),
    "path": [*sorted(PATHS), OTHER],
    "result": list(Count),
    "ring": list(Family),
    "source": list(Source),
    "status": sorted(STATUSES),
}
"""What each label may be; nothing where it is the name of a class of errors."""
_BY_CLASS: Final = f"the class of the error, one of [errors.md](errors.md), or `{OTHER}`"
_HEAD: Final = """# Figures

Every metric of `/metrics`; [docs/metrics.md](../metrics.md) says how they are to be read. Labels are closed sets.

"""


class _Listed(CollectorRegistry):
    """A registry that gives back what was registered."""

    def __init__(self) -> None:
        super().__init__()
        self.collectors: list[Collector] = []

    def register(self, collector: Collector) -> None:
        super().register(collector)
        self.collectors.append(collector)


def metrics_page() -> str:
    """Give the page."""
    found = figures()
    named = sorted({label for *_, labels in found for label in labels})
    rows = [(code(name), kind, one_of(labels), text) for name, kind, text, labels in found]
    told = table(("name", "type", "labels", "what"), rows)
    return f"{_HEAD}{told}\n{table(('label', 'values'), [(code(label), _values(label)) for label in named])}"


def figures() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Give name, type, help and labels of each metric, sorted."""
    registry = _Listed()
    PrometheusMeter(registry).show_audit(AuditStatus(head=AuditHead(sequence=0, hash=""), whole_at=None, broken=""))
    return sorted(_figure(collector) for collector in registry.collectors)


def _figure(collector: Any) -> tuple[str, str, str, tuple[str, ...]]:  # noqa: ANN401 (its labels have no public name)
    (family,) = collector.describe()
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return name, family.type, family.documentation, tuple(collector._labelnames)  # noqa: SLF001 (as above)


def _values(label: str) -> str:
    return one_of(LABELS[label]) or _BY_CLASS if label in LABELS else "?"
