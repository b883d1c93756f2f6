"""One test per sentence of `ports.meter`, for every adapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.prometheus.meter import PrometheusMeter
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.labels import EVENTS, METHODS, NONE, OTHER, PATHS, STATUSES
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.webhooks import (
    AlreadySeen,
    Ignored,
    Taken,
    WebhookOutcome,
    WebhookRefusedError,
    WebhookUnusableError,
)
from journal_keys.ports.meter import Meter, RingFigures, Source
from journal_keys.ports.secret_store import SecretStoreUnavailableError

PATH = SecretPath.parse("/database/db_url_async")
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
FIGURES = RingFigures(
    family=Family.AES,
    generation=7,
    confirmed_at=NOW,
    active_since=NOW - timedelta(days=1),
    due_at=NOW + timedelta(days=1),
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A meter, and what somebody sees who watches it."""

    meter: Meter
    fetches: Callable[[], Mapping[tuple[str, str], int]]
    errors: Callable[[], Mapping[tuple[str, str], int]]
    rotations: Callable[[], Mapping[tuple[str, str], int]]
    webhooks: Callable[[], Mapping[tuple[str, str], int]]
    questions: Callable[[], Mapping[str, int]]
    old_formats: Callable[[], Mapping[str, int]]
    encryptions: Callable[[], int]
    generation: Callable[[], int]


def in_memory() -> Watched:
    meter = MemoryMeter()
    return Watched(
        meter,
        lambda: meter.fetches,
        lambda: meter.errors,
        lambda: meter.rotations,
        lambda: meter.webhooks,
        lambda: meter.asked,
        lambda: meter.read,
        lambda: meter.encryptions,
        lambda: meter.rings[Family.AES].generation,
    )


def for_prometheus() -> Watched:
    registry = CollectorRegistry()

    def samples(name: str) -> list[Sample]:
        return [sample for metric in registry.collect() for sample in metric.samples if sample.name == name]

    def pairs(name: str, first: str, second: str) -> dict[tuple[str, str], int]:
        return {(one.labels[first], one.labels[second]): int(one.value) for one in samples(name)}

    return Watched(
        PrometheusMeter(registry),
        lambda: pairs("infisical_fetch_total", "source", "path"),
        lambda: pairs("infisical_fetch_errors_total", "path", "error"),
        lambda: {
            (family, one.labels["method"]): int(one.value)
            for family in Family
            for one in samples(f"{family}_key_rotation_total")
        },
        lambda: pairs("infisical_webhook_events_total", "event", "status"),
        lambda: {one.labels["result"]: int(one.value) for one in samples("journal_keys_redis_questions_total")},
        lambda: {one.labels["format"]: int(one.value) for one in samples("journal_keys_old_format_reads_total")},
        lambda: int(samples("journal_keys_aes_encryptions")[0].value),
        lambda: int(samples("journal_keys_ring_generation")[0].value),
    )


@pytest.fixture(params=[in_memory, for_prometheus])
def watched(request: pytest.FixtureRequest) -> Watched:
    made: Watched = request.param()
    return made


def test_it_is_a_meter(watched: Watched) -> None:
    assert isinstance(watched.meter, Meter)


def test_hits_are_shown_once_they_are_published(watched: Watched) -> None:
    watched.meter.hits(PATH).count += 3
    watched.meter.publish()
    assert watched.fetches() == {(Source.MEMORY, str(PATH)): 3}


def test_hits_that_were_shown_are_not_added_again(watched: Watched) -> None:
    watched.meter.hits(PATH).count += 3
    watched.meter.publish()
    watched.meter.publish()
    watched.meter.hits(PATH).count += 1
    watched.meter.publish()
    assert watched.fetches() == {(Source.MEMORY, str(PATH)): 4}


@pytest.mark.parametrize("source", Source)
def test_a_fetch_is_counted_by_what_answered(watched: Watched, source: Source) -> None:
    watched.meter.fetched(PATH, source, 0.25)
    assert watched.fetches() == {(source, str(PATH)): 1}


def test_a_failure_is_counted_by_its_class_and_says_nothing_else(watched: Watched) -> None:
    watched.meter.failed(PATH, SecretStoreUnavailableError("the server answered"))
    assert watched.errors() == {(str(PATH), "SecretStoreUnavailableError"): 1}


@pytest.mark.parametrize(
    ("actor", "method"),
    [
        ("scheduler", "scheduler"),
        ("operator:alice", "operator"),
        ("http:loopback", "api"),
        ("application", "application"),
        ("webhook", "webhook"),
        ("demo", OTHER),
        ("operators", OTHER),
        ("", OTHER),
    ],
)
def test_a_promotion_is_counted_by_ring_and_method(watched: Watched, actor: str, method: str) -> None:
    watched.meter.rotated(Family.JWT, actor)
    assert method in METHODS
    assert watched.rotations() == {("jwt", method): 1}


@pytest.mark.parametrize(
    ("result", "event", "status"),
    [
        (Taken(event="secrets.modified", folder=PATH, families=()), "secrets.modified", "taken"),
        (AlreadySeen(event="secret.updated"), "secret.updated", "already_seen"),
        (Ignored(event="test", because="a test"), "test", "ignored"),
        (Ignored(event="something else", because="unknown"), OTHER, "ignored"),
        (WebhookRefusedError("not signed"), NONE, "refused"),
        (WebhookUnusableError("no event"), NONE, "unusable"),
        (SecretStoreUnavailableError("no answer"), NONE, "failed"),
    ],
)
def test_a_webhook_is_counted_by_its_event_and_by_what_became_of_it(
    watched: Watched, result: WebhookOutcome | JournalKeysError, event: str, status: str
) -> None:
    watched.meter.heard(result)
    assert event in EVENTS
    assert status in STATUSES
    assert watched.webhooks() == {(event, status): 1}


def test_the_last_figures_of_a_ring_are_shown(watched: Watched) -> None:
    watched.meter.show(FIGURES)
    assert watched.generation() == 7
    watched.meter.show(RingFigures(family=Family.AES, generation=9, confirmed_at=NOW, active_since=NOW, due_at=NOW))
    assert watched.generation() == 9


def test_encryptions_are_shown(watched: Watched) -> None:
    watched.meter.encrypted(2**31)
    watched.meter.encrypted(5)
    assert watched.encryptions() == 5


def test_questions_are_shown_once_they_are_published(watched: Watched) -> None:
    watched.meter.questions()["hit"] += 2
    watched.meter.publish()
    watched.meter.questions()["hit"] += 1
    watched.meter.questions()["timed_out"] += 1
    watched.meter.publish()
    assert watched.questions() == {"hit": 3, "timed_out": 1}


def test_paths_without_end_make_no_series_without_end(watched: Watched) -> None:
    for number in range(100_000):
        path = SecretPath(("application", f"secret_{number}"))
        watched.meter.hits(path).count += 1
        if number % 100 == 0:
            watched.meter.fetched(path, Source.STORE, 0.1)
            watched.meter.failed(path, SecretStoreUnavailableError("no answer"))
    for known in PATHS:
        watched.meter.hits(SecretPath.parse(known)).count += 1
    watched.meter.publish()
    assert watched.fetches()[Source.MEMORY, OTHER] == 100_000
    assert set(watched.fetches()) == {(Source.MEMORY, path) for path in PATHS | {OTHER}} | {(Source.STORE, OTHER)}
    assert watched.errors() == {(OTHER, "SecretStoreUnavailableError"): 1000}


def test_reads_of_old_formats_are_shown_once_they_are_published(watched: Watched) -> None:
    watched.meter.old_formats()["fernet"] += 2
    watched.meter.publish()
    watched.meter.old_formats()["fernet"] += 1
    watched.meter.old_formats()["token"] += 1
    watched.meter.publish()
    assert watched.old_formats() == {"fernet": 3, "token": 1}
