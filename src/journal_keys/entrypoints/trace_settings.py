"""The settings of traces."""

from enum import StrEnum

from pydantic_settings import BaseSettings


class Traces(StrEnum):
    """Where the service sends spans."""

    NONE = "none"
    OTLP = "otlp"


class TraceSettings(BaseSettings):
    """Whether anything is exported; where to, OpenTelemetry's own variables say."""

    journal_traces: Traces = Traces.NONE
    """Whether the service exports spans: `otlp` needs the extra `otel`; OTEL_EXPORTER_OTLP_ENDPOINT says where to."""
