"""Spans: their names, their attributes, and nothing else of what was done."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from journal_keys import events
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.opentelemetry.tracer import OpenTelemetryTracer
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import Rotated
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import SecretStoreUnavailableError
from journal_keys.ports.tracer import Work
from tests.support.world import START, World

SECRET = "hunter2-and-a-long-tail-so-that-it-is-seen"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"


class Spans:
    """A provider whose spans stay in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = OpenTelemetryTracer(provider)

    def names(self) -> list[str]:
        return [span.name for span in self.exporter.get_finished_spans()]

    def attributes(self) -> list[Mapping[str, object]]:
        return [dict(span.attributes or {}) for span in self.exporter.get_finished_spans()]

    def text(self) -> str:
        return "".join(json.dumps(json.loads(span.to_json())) for span in self.exporter.get_finished_spans())


@pytest.fixture
def spans() -> Spans:
    return Spans()


async def test_a_rotation_is_a_span_with_ring_key_generation_method_and_ids(spans: Spans) -> None:
    world = await World().initialised(Family.JWT)
    world.rotate = replace(world.rotate, tracer=spans.tracer)
    with events.bound(request_id="0f"):
        outcome = await world.rotated(Family.JWT, "r1")
    assert isinstance(outcome, Rotated)
    assert spans.names() == ["journal_keys.rotate"]
    assert spans.attributes() == [
        {
            "journal_keys.ring": "jwt",
            "journal_keys.rotation_id": "r1",
            "journal_keys.method": "other",
            "journal_keys.request_id": "0f",
            "journal_keys.outcome": "Rotated",
            "journal_keys.generation": 2,
            "journal_keys.kid": outcome.new_kid,
            "journal_keys.old_kid": outcome.old_kid,
        }
    ]


@pytest.mark.parametrize(
    ("path", "label"), [("/database/db_url_async", "/database/db_url_async"), ("/customers/of_ours", "other")]
)
async def test_a_fetch_is_a_span_with_the_label_of_its_path_and_a_hit_in_memory_is_none(
    spans: Spans, path: str, label: str
) -> None:
    hour = timedelta(hours=1)
    cache = MemorySecretCache(ManualClock(START), hour, hour, tracer=spans.tracer)

    async def load(_path: SecretPath) -> KeyMaterial:
        return KeyMaterial(SECRET.encode())

    for _ in range(3):
        await cache.get(SecretPath.parse(path), load)
    assert spans.names() == ["journal_keys.fetch"]
    assert spans.attributes() == [{"journal_keys.path": label, "journal_keys.source": "store"}]
    assert SECRET not in spans.text()


async def test_a_failure_is_its_class_and_nothing_of_its_message(spans: Spans) -> None:
    hour = timedelta(hours=1)
    cache = MemorySecretCache(ManualClock(START), hour, hour, tracer=spans.tracer)

    async def load(_path: SecretPath) -> KeyMaterial:
        raise SecretStoreUnavailableError(f"no answer about {SECRET}")

    with suppress(SecretStoreUnavailableError):
        await cache.get(SecretPath.parse("/database/db_url_async"), load)
    (span,) = spans.exporter.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.events == ()
    assert spans.attributes()[0]["error.type"] == "SecretStoreUnavailableError"
    assert SECRET not in spans.text()


def test_a_fact_that_is_not_named_and_a_token_in_one_that_is_are_not_shown(spans: Spans) -> None:
    with spans.tracer.follow(Work.ROTATE, ring="jwt", value=SECRET, rotation_id=TOKEN) as trace:
        trace.add(unfinished=SECRET, kid=TOKEN)
    assert spans.attributes() == [
        {
            "journal_keys.ring": "jwt",
            "journal_keys.rotation_id": "[redacted]",
            "journal_keys.kid": "[redacted]",
        }
    ]


def test_work_inside_work_is_its_child(spans: Spans) -> None:
    with spans.tracer.follow(Work.WEBHOOK), spans.tracer.follow(Work.FETCH, path="other"):
        pass
    inner, outer = spans.exporter.get_finished_spans()
    assert (inner.name, outer.name) == ("journal_keys.fetch", "journal_keys.webhook")
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id


def test_where_nobody_set_a_provider_nothing_is_recorded() -> None:
    with OpenTelemetryTracer().follow(Work.FETCH, path="other") as trace:
        trace.add(source="store")
        assert not trace._span.is_recording()  # type: ignore[attr-defined]  # noqa: SLF001 (what shows that it costs nothing)
