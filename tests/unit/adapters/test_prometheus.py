"""What Prometheus sees beyond the counts that every meter has."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from journal_keys.adapters.prometheus.meter import PrometheusMeter
from journal_keys.domain.audit_chain import EMPTY
from journal_keys.domain.keys import Family
from journal_keys.domain.labels import EVENTS, METHODS, OTHER, PATHS
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.status import AuditStatus
from journal_keys.domain.webhooks import AlreadySeen, Ignored, Taken
from journal_keys.ports.meter import LedgerFigures, RingFigures, Source
from journal_keys.ports.secret_store import SecretStoreUnavailableError
from tests.support.figures import FIGURES

PATH = SecretPath.parse("/database/db_url_async")
LABEL = {"path": str(PATH)}

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


def test_a_read_past_every_cache_has_a_duration_and_is_neither_a_hit_nor_a_miss(
    meter: PrometheusMeter, registry: CollectorRegistry
) -> None:
    meter.read(PATH, Source.STORE, 0.2)
    assert registry.get_sample_value("infisical_fetch_duration_seconds_sum", LABEL) == pytest.approx(0.2)
    for name in ("hit", "miss"):
        assert registry.get_sample_value(f"infisical_cache_{name}_total", LABEL) is None


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
    meter.show(FIGURES)
    shown = registry.get_sample_value(f"journal_keys_{name}_timestamp_seconds", {"ring": "jwt"})
    assert shown == moment(FIGURES).timestamp()


@pytest.mark.parametrize(("name", "bound"), [("view_max_age", 300), ("rotation_window", 675)])
def test_bounds_are_seconds(meter: PrometheusMeter, registry: CollectorRegistry, name: str, bound: float) -> None:
    meter.show(FIGURES)
    assert registry.get_sample_value(f"journal_keys_{name}_seconds", {"ring": "jwt"}) == bound


def test_before_anything_is_counted_refusals_are_0_and_the_bound_of_encryptions_is_shown(
    registry: CollectorRegistry,
) -> None:
    PrometheusMeter(registry)
    refused = {"event": "none", "status": "refused"}
    assert registry.get_sample_value("infisical_webhook_events_total", refused) == 0
    assert registry.get_sample_value("journal_keys_aes_encryptions_limit") == 2**32


def test_a_lag_falls_into_a_bucket_up_to_the_longest_tolerance(
    meter: PrometheusMeter, registry: CollectorRegistry
) -> None:
    meter.arrived(400)
    found = [
        registry.get_sample_value("journal_keys_webhook_lag_seconds_bucket", {"le": le}) for le in ("300.0", "600.0")
    ]
    assert found == [0, 1]


NEAR = ("database", "db_url_async", "auth", "jwt", "active_kid", "operator", "secrets.modified")


def count_path(meter: PrometheusMeter, path: SecretPath, source: Source, error: Exception) -> None:
    meter.fetched(path, source, 0.1)
    meter.failed(path, error)
    meter.hits(path).count += 1


def count_text(meter: PrometheusMeter, text: str) -> None:
    for family in Family:
        meter.rotated(family, text)
    here = SecretPath((OTHER,))
    for result in (
        AlreadySeen(event=text),
        Ignored(event=text, because=text),
        Taken(event=text, folder=here, families=()),
    ):
        meter.heard(result)


def count_all_that_is_known(meter: PrometheusMeter) -> None:
    for text in (*PATHS, f"/{OTHER}"):
        for source in Source:
            for error in (SecretStoreUnavailableError("no answer"), ValueError("no answer")):
                count_path(meter, SecretPath.parse(text), source, error)
    for text in (*METHODS, *EVENTS):
        count_text(meter, text)
    meter.publish()


def series(registry: CollectorRegistry) -> int:
    return sum(len(metric.samples) for metric in registry.collect())


def test_a_hundred_thousand_random_paths_with_actors_events_and_errors_make_no_series_beyond_the_known_ones(
    meter: PrometheusMeter, registry: CollectorRegistry
) -> None:
    count_all_that_is_known(meter)
    before, draw, sources = series(registry), random.Random(7), list(Source)
    error: Exception = SecretStoreUnavailableError("no answer")
    for number in range(100_000):
        name = f"{draw.choice(NEAR)}{draw.getrandbits(40):x}"
        if number % 10 == 0:
            error = type(f"{name}Error", (draw.choice([OSError, SecretStoreUnavailableError]),), {})("no answer")
            count_text(meter, name)
        path = SecretPath((draw.choice(NEAR[:4]), name.replace(".", "_")))
        count_path(meter, path, sources[number % len(sources)], error)
    meter.publish()
    assert series(registry) == before
    fetched = registry.get_sample_value("infisical_fetch_total", {"source": Source.MEMORY, "path": OTHER})
    assert fetched is not None
    assert fetched > 100_000


def test_the_document_names_every_figure_with_its_labels(meter: PrometheusMeter, registry: CollectorRegistry) -> None:
    meter.fetched(PATH, Source.REDIS, 0.1)
    meter.fetched(PATH, Source.STORE, 0.1)
    meter.failed(PATH, ValueError())
    meter.heard(Ignored(event="test", because="a test"))
    meter.show_audit(AuditStatus(head=EMPTY, whole_at=None, broken=""))
    meter.questions()["hit"] += 1
    meter.old_formats()["fernet"] += 1
    meter.publish()
    for family in Family:
        meter.rotated(family, "scheduler")
        meter.show(replace(FIGURES, family=family))
        meter.show_ledger(
            LedgerFigures(family=family, generation=1, waits_since=None, obstacle=None, behind=0, encryptions=0)
        )
    shown = {
        metric.name + ("_total" if metric.type == "counter" else ""): metric.samples[0].labels.keys() - {"le"}
        for metric in registry.collect()
    }
    rows = re.findall(r"^\| `([a-z_]+)` \| ([a-z`, ]*)\|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert {name: set(re.findall("`([a-z]+)`", labels)) for name, labels in rows} == shown
