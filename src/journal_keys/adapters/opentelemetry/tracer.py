"""Followed work as spans. Whoever set a provider gets them; where nobody did, they are none."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from journal_keys.domain.redaction import shown
from journal_keys.events import bound_ids
from journal_keys.ports.tracer import Fact, Trace, Tracer, Work

ATTRIBUTES: Final = frozenset(
    {
        "ring",
        "kid",
        "old_kid",
        "generation",
        "outcome",
        "method",
        "path",
        "source",
        "change",
        "rotation_id",
        "request_id",
    }
)
"""Of facts and bound ids, those that a span may show, as `journal_keys.ring`; `error.type` beside them."""
_KINDS: Final = {Work.WEBHOOK: SpanKind.SERVER}


class OpenTelemetryTracer(Tracer):
    """Makes spans `journal_keys.rotate`, `journal_keys.fetch` and `journal_keys.webhook`.

    Without a `provider` they go to that of the process, also where that is set later. Of an exception a span has the
    class: messages and tracebacks stay out of it.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("journal_keys", tracer_provider=provider)

    @contextmanager
    def follow(self, work: Work, **facts: Fact) -> Iterator[Trace]:
        """Follow what is done inside."""
        with self._tracer.start_as_current_span(
            f"journal_keys.{work}",
            kind=_KINDS.get(work, SpanKind.INTERNAL),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            followed = _Followed(span)
            if span.is_recording():
                followed.add(**facts, **bound_ids())
            try:
                yield followed
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise


class _Followed(Trace):
    """A span, which is given what it may show."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def add(self, **facts: Fact | None) -> None:
        if self._span.is_recording():
            self._span.set_attributes(_attributes(facts))


def _attributes(facts: Mapping[str, Fact | None]) -> dict[str, Fact]:
    told = {name: fact for name, fact in facts.items() if name in ATTRIBUTES and fact is not None}
    return {
        f"journal_keys.{name}": shown(fact, is_identifier=True) if isinstance(fact, str) else fact
        for name, fact in told.items()
    }
