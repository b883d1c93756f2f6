"""What Prometheus sees beyond the counts that every meter has."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from journal_keys.adapters.prometheus.meter import PrometheusMeter
from journal_keys.domain.keys import Family
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.webhooks import Ignored
from journal_keys.ports.meter import RingFigures, Source

PATH = SecretPath.parse("/database/db_url_async")
LABEL = {"path": str(PATH)}
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def meter(registry: CollectorRegistry) -> PrometheusMeter:
    return PrometheusMeter(registry)


@pytest.mark.parametrize(
    ("source", "hits", "misses"),
    [
        (Source.REDIS, 1, None),
        (Source.STORE, None, 1),
        (Source.STALE, None, 1),
        (Source.NONE, None, 1),
    ],
)
def test_what_a_cache_answers_is_a_hit_and_all_else_a_miss(
    meter: PrometheusMeter, registry: CollectorRegistry, source: Source, hits: int | None, misses: int | None
) -> None:
    meter.fetched(PATH, source, 0.1)
    assert registry.get_sample_value("infisical_cache_hit_total", LABEL) == hits
    assert registry.get_sample_value("infisical_cache_miss_total", LABEL) == misses


def test_what_memory_answers_is_a_hit_without_a_duration(meter: PrometheusMeter, registry: CollectorRegistry) -> None:
    meter.hits(PATH).count += 2
    meter.publish()
    assert registry.get_sample_value("infisical_cache_hit_total", LABEL) == 2
    assert registry.get_sample_value("infisical_fetch_duration_seconds_count", LABEL) is None


def test_durations_are_seconds(meter: PrometheusMeter, registry: CollectorRegistry) -> None:
    meter.fetched(PATH, Source.STORE, 0.2)
    meter.fetched(PATH, Source.STORE, 3)
    assert registry.get_sample_value("infisical_fetch_duration_seconds_sum", LABEL) == pytest.approx(3.2)
    assert registry.get_sample_value("infisical_fetch_duration_seconds_bucket", {**LABEL, "le": "0.25"}) == 1


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("view_confirmed", lambda figures: figures.confirmed_at),
        ("active_key_since", lambda figures: figures.active_since),
        ("rotation_due", lambda figures: figures.due_at),
    ],
)
def test_moments_are_seconds_since_1970(
    meter: PrometheusMeter, registry: CollectorRegistry, name: str, moment: Callable[[RingFigures], datetime]
) -> None:
    days = (datetime(2026, 11, day, tzinfo=UTC) for day in (24, 1, 30))
    confirmed_at, active_since, due_at = days
    figures = RingFigures(
        family=Family.JWT, generation=3, confirmed_at=confirmed_at, active_since=active_since, due_at=due_at
    )
    meter.show(figures)
    shown = registry.get_sample_value(f"journal_keys_{name}_timestamp_seconds", {"ring": "jwt"})
    assert shown == moment(figures).timestamp()


def test_the_document_names_every_figure_with_its_labels(meter: PrometheusMeter, registry: CollectorRegistry) -> None:
    meter.fetched(PATH, Source.REDIS, 0.1)
    meter.fetched(PATH, Source.STORE, 0.1)
    meter.failed(PATH, ValueError())
    meter.heard(Ignored(event="test", because="a test"))
    meter.questions()["hit"] += 1
    meter.old_formats()["fernet"] += 1
    meter.publish()
    for family in Family:
        meter.rotated(family, "scheduler")
        meter.show(RingFigures(family=family, generation=1, confirmed_at=NOW, active_since=NOW, due_at=NOW))
    shown = {
        metric.name + ("_total" if metric.type == "counter" else ""): metric.samples[0].labels.keys() - {"le"}
        for metric in registry.collect()
    }
    rows = re.findall(r"^\| `([a-z_]+)` \| ([a-z`, ]*)\|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert {name: set(re.findall("`([a-z]+)`", labels)) for name, labels in rows} == shown
