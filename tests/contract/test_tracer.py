"""One test per sentence of `ports.tracer`, for every adapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.adapters.opentelemetry.tracer import OpenTelemetryTracer
from journal_keys.entrypoints.told_work import ToldWork
from journal_keys.ports.tracer import Fact, Trace, Tracer, Work

PREFIX = "journal_keys."


@dataclass(frozen=True, slots=True)
class Watched:
    """A tracer, and what it has followed to its end: the work, its facts, and the class of the error."""

    tracer: Tracer
    ended: Callable[[], list[tuple[str, Mapping[str, Fact], str]]]


def in_memory(make: Callable[[MemoryTracer], Tracer]) -> Watched:
    memory = MemoryTracer()
    return Watched(make(memory), lambda: [(one.work, one.facts, one.failed) for one in memory.ended])


def as_spans(make: Callable[[Tracer], Tracer]) -> Watched:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def ended() -> list[tuple[str, Mapping[str, Fact], str]]:
        found = [(one.name, dict(one.attributes or {})) for one in exporter.get_finished_spans()]
        return [(name.removeprefix(PREFIX), facts_of(told), str(told.get("error.type", ""))) for name, told in found]

    return Watched(make(OpenTelemetryTracer(provider)), ended)


def facts_of(attributes: Mapping[str, object]) -> dict[str, Fact]:
    return {
        name.removeprefix(PREFIX): fact
        for name, fact in attributes.items()
        if name.startswith(PREFIX) and isinstance(fact, str | int)
    }


@pytest.fixture(params=["memory", "spans", "told"])
def watched(request: pytest.FixtureRequest) -> Watched:
    if request.param == "memory":
        return in_memory(lambda memory: memory)
    return as_spans(ToldWork if request.param == "told" else lambda tracer: tracer)


def test_it_is_a_tracer(watched: Watched) -> None:
    assert isinstance(watched.tracer, Tracer)
    with watched.tracer.follow(Work.FETCH, path="other") as trace:
        assert isinstance(trace, Trace)


def test_what_was_known_and_what_came_to_be_known_is_kept(watched: Watched) -> None:
    with watched.tracer.follow(Work.FETCH, path="other") as trace:
        trace.add(source="store", error=None)
        assert watched.ended() == []
    assert watched.ended() == [("fetch", {"path": "other", "source": "store"}, "")]


def test_an_exception_is_how_it_ended_and_goes_on_as_it_is(watched: Watched) -> None:
    failure = KeyError("gone")
    with pytest.raises(KeyError) as caught, watched.tracer.follow(Work.WEBHOOK):
        raise failure
    assert caught.value is failure
    assert watched.ended() == [("webhook", {}, "KeyError")]


def test_work_inside_work_is_followed(watched: Watched) -> None:
    with watched.tracer.follow(Work.WEBHOOK), watched.tracer.follow(Work.FETCH, path="other"):
        pass
    assert [work for work, _, _ in watched.ended()] == ["fetch", "webhook"]
