"""Who follows the work of a process: the log, and spans for whoever wants them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING, Final

from journal_keys.adapters.opentelemetry.tracer import OpenTelemetryTracer
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.entrypoints.told_work import ToldWork
from journal_keys.entrypoints.trace_settings import Traces
from journal_keys.ports.tracer import Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_SENT_WITHIN_S: Final = 0.4
_NEEDED: Final = ("opentelemetry.sdk", "opentelemetry.exporter")


def application_tracer() -> Tracer:
    """Tell the log, and the application's own provider where it has set one."""
    return ToldWork(OpenTelemetryTracer())


def check_traces(settings: Settings) -> None:
    """Return where what is asked for is installed.

    Raises:
        SettingsError: it is not.
    """
    if settings.journal_traces is Traces.OTLP and not all(find_spec(name) for name in _NEEDED):
        raise SettingsError("JOURNAL_TRACES=otlp needs OpenTelemetry's SDK: pip install 'journal-keys[otel]'")


@contextmanager
def service_tracer(settings: Settings) -> Iterator[Tracer]:
    """Tell the log and, with JOURNAL_TRACES=otlp, whom OpenTelemetry's own variables name.

    What is left at the end is sent if that takes less than half a second.

    Raises:
        SettingsError: as `check_traces`.
    """
    check_traces(settings)
    if settings.journal_traces is Traces.NONE:
        yield application_tracer()
        return
    provider = _exporting(settings)
    try:
        yield ToldWork(OpenTelemetryTracer(provider))
    finally:
        sender = Thread(target=provider.shutdown, name="last spans", daemon=True)
        sender.start()
        sender.join(_SENT_WITHIN_S)


def _exporting(settings: Settings) -> "TracerProvider":
    """Make a provider of our own: that of the process would have libraries export, too."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 (an extra)
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 (likewise)
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 (likewise)
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 (likewise)

    named = Resource.create({"service.name": "journal_keys", "service.instance.id": settings.instance_name})
    resource = named.merge(OTELResourceDetector().detect())  # OTEL_SERVICE_NAME has the last word
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
