"""One test per sentence of `ports.meter`, for every adapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.prometheus.meter import PrometheusMeter
from journal_keys.domain.audit_chain import EMPTY, AuditHead
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.labels import EVENTS, METHODS, NONE, OTHER, PATHS, STATUSES
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.status import AuditStatus, Obstacle
from journal_keys.domain.webhooks import (
    AlreadySeen,
    Ignored,
    Taken,
    WebhookOutcome,
    WebhookRefusedError,
    WebhookUnusableError,
)
from journal_keys.ports.meter import LedgerFigures, Meter, Source
from journal_keys.ports.secret_store import SecretStoreUnavailableError
from tests.support.figures import FIGURES as JWT_FIGURES
from tests.support.figures import NOW

PATH = SecretPath.parse("/database/db_url_async")
FIGURES = replace(JWT_FIGURES, family=Family.AES, generation=7)
FOLDER = SecretPath.parse("/auth/jwt/versions")
OF_THE_LEDGER = LedgerFigures(
    family=Family.AES, generation=8, waits_since=NOW, obstacle=Obstacle.INSTANCES, behind=2, encryptions=3
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
    lags_s: Callable[[], tuple[int, float]]
    ledger: Callable[[], tuple[float, float, float]]
    encryptions_in_the_ledger: Callable[[], float]
    waits: Callable[[], Mapping[str, float]]
    audit: Callable[[], tuple[float, float, float] | None]
    store_is_silent: Callable[[], bool]


def waits_of(figures: LedgerFigures) -> dict[str, float]:
    return {figures.obstacle: figures.waits_since.timestamp()} if figures.obstacle and figures.waits_since else {}


def told(status: AuditStatus | None) -> tuple[float, float, float] | None:
    if status is None:
        return None
    return status.head.sequence, float(bool(status.broken)), status.whole_at.timestamp() if status.whole_at else 0


def in_memory() -> Watched:
    meter = MemoryMeter()
    return Watched(
        meter,
        lambda: meter.fetches,
        lambda: meter.errors,
        lambda: meter.rotations,
        lambda: meter.webhooks,
        lambda: meter.asked,
        lambda: meter.formats,
        lambda: meter.encryptions,
        lambda: meter.rings[Family.AES].generation,
        lambda: (len(meter.lags_s), sum(meter.lags_s)),
        lambda: (
            meter.ledger[Family.AES].generation,
            meter.ledger[Family.AES].behind,
            meter.ledger[Family.AES].encryptions,
        ),
        lambda: meter.ledger[Family.AES].encryptions,
        lambda: waits_of(meter.ledger[Family.AES]),
        lambda: told(meter.audit),
        lambda: meter.store_is_silent,
    )


def for_prometheus() -> Watched:
    registry = CollectorRegistry()

    def samples(name: str) -> list[Sample]:
        return [sample for metric in registry.collect() for sample in metric.samples if sample.name == name]

    def pairs(name: str, first: str, second: str) -> dict[tuple[str, str], int]:
        return {(one.labels[first], one.labels[second]): int(one.value) for one in samples(name) if one.value}

    def value(name: str) -> float:
        (one,) = samples(f"journal_keys_{name}")
        return one.value

    def audit() -> tuple[float, float, float] | None:
        names = ("audit_head_sequence", "audit_broken", "audit_whole_timestamp_seconds")
        if not any(samples(f"journal_keys_{name}") for name in names):
            return None
        return value(names[0]), value(names[1]), value(names[2])

    def waits() -> dict[str, float]:
        found = samples("journal_keys_rotation_waiting_since_timestamp_seconds")
        return {one.labels["because"]: one.value for one in found if one.value}

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
        lambda: int(value("ring_generation")),
        lambda: (int(value("webhook_lag_seconds_count")), value("webhook_lag_seconds_sum")),
        lambda: (value("ledger_ring_generation"), value("instances_behind"), value("ledger_aes_encryptions")),
        lambda: value("ledger_aes_encryptions"),
        waits,
        audit,
        lambda: value("store_breaker_open") == 1,
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


@pytest.mark.parametrize("source", [Source.STORE, Source.NONE])
def test_a_read_past_every_cache_is_counted_by_what_answered(watched: Watched, source: Source) -> None:
    watched.meter.read(FOLDER, source, 0.25)
    assert watched.fetches() == {(source, str(FOLDER)): 1}


class StrangersError(SecretStoreUnavailableError):
    pass


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (StrangersError("no answer"), "SecretStoreUnavailableError"),
        (ValueError("no answer"), OTHER),
        (type("SecretStoreUnavailableError", (Exception,), {})("no answer"), OTHER),
    ],
    ids=["a class that descends from ours", "another class", "another class with the name of ours"],
)
def test_a_failure_of_a_class_that_is_not_ours_makes_no_label_of_its_own(
    watched: Watched, error: Exception, label: str
) -> None:
    watched.meter.failed(PATH, error)
    assert watched.errors() == {(str(PATH), label): 1}


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
    watched.meter.show(replace(FIGURES, generation=9))
    assert watched.generation() == 9


def test_webhooks_that_were_taken_are_counted_with_how_long_they_were_under_way(watched: Watched) -> None:
    watched.meter.arrived(0.0)
    watched.meter.arrived(2.5)
    assert watched.lags_s() == (2, 2.5)


def test_the_last_word_of_the_ledger_is_shown(watched: Watched) -> None:
    watched.meter.show_ledger(OF_THE_LEDGER)
    assert watched.ledger() == (8, 2, 3)
    watched.meter.show_ledger(replace(OF_THE_LEDGER, generation=9, behind=0, encryptions=0))
    assert watched.ledger() == (9, 0, 0)


def test_what_the_ledger_says_of_signing_keys_is_no_word_on_encryptions(watched: Watched) -> None:
    watched.meter.show_ledger(OF_THE_LEDGER)
    watched.meter.show_ledger(replace(OF_THE_LEDGER, family=Family.JWT, encryptions=0))
    assert watched.encryptions_in_the_ledger() == 3


def test_a_rotation_that_waits_is_shown_under_its_present_reason_and_no_longer_than_it_waits(watched: Watched) -> None:
    for obstacle in Obstacle:
        watched.meter.show_ledger(replace(OF_THE_LEDGER, obstacle=obstacle))
        assert watched.waits() == {obstacle: NOW.timestamp()}
    watched.meter.show_ledger(replace(OF_THE_LEDGER, obstacle=None, waits_since=None))
    assert watched.waits() == {}


def test_nothing_is_shown_of_the_audit_trail_until_somebody_followed_it(watched: Watched) -> None:
    assert watched.audit() is None
    watched.meter.show_audit(AuditStatus(head=EMPTY, whole_at=None, broken=""))
    assert watched.audit() == (0, 0, 0)


def test_the_last_word_on_the_audit_trail_is_shown(watched: Watched) -> None:
    head = AuditHead(sequence=17, hash="0" * 64)
    watched.meter.show_audit(AuditStatus(head=head, whole_at=NOW, broken="entry 3 was changed"))
    assert watched.audit() == (17, 1, NOW.timestamp())
    watched.meter.show_audit(AuditStatus(head=head, whole_at=NOW, broken=""))
    assert watched.audit() == (17, 0, NOW.timestamp())


def test_a_store_that_gives_no_answer_is_shown_so_until_it_does(watched: Watched) -> None:
    shown = []
    for is_silent in (False, True, False):
        watched.meter.show_store(is_silent=is_silent)
        shown.append(watched.store_is_silent())
    assert shown == [False, True, False]


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
