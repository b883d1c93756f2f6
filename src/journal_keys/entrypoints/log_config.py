"""Logs: one chain for every logger of the process, JSON lines or, on a terminal, readable ones."""

import logging
import sys
from typing import Any

import stamina.instrumentation
import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

from journal_keys.entrypoints.settings import SettingsError

_LOGGERS = ("journal_keys", "uvicorn", "uvicorn.error", "sqlalchemy", "alembic")
LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})


def configure_logging(level: str) -> None:
    """Send the logs of this process to standard error.

    Raises:
        SettingsError: `level` is none of DEBUG, INFO, WARNING, ERROR, CRITICAL.
    """
    name = level.upper()
    if name not in LEVELS:
        raise SettingsError("JOURNAL_LOG_LEVEL is one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(readable=sys.stderr.isatty()))
    for logger_name in _LOGGERS:
        logger = logging.getLogger(logger_name)
        logger.handlers = [handler] if "." not in logger_name else []
        logger.propagate = "." in logger_name
        logger.setLevel(name if logger_name == "journal_keys" else max(logging.getLevelName(name), logging.WARNING))


def tell_retries() -> None:
    """Log each retry of a call of the store through this package's logger, in place of stamina's own ways."""
    stamina.instrumentation.set_on_retry_hooks([_tell_retry])


def _tell_retry(details: stamina.instrumentation.RetryDetails) -> None:
    logging.getLogger("journal_keys").warning(
        "store_call_retried retry=%d wait_s=%.1f reason=%s", details.retry_num, details.wait_for, details.caused_by
    )


def _formatter(*, readable: bool) -> structlog.stdlib.ProcessorFormatter:
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    end: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if readable:
        plain = structlog.dev.plain_traceback
        end += [escape_controls, structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    else:
        without_locals = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        end += [without_locals, escape_controls, structlog.processors.JSONRenderer()]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=end)


def escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape control characters in every text of an event, so that no input can forge a line."""
    return {name: _escaped(value) for name, value in event.items()}


def _escaped(value: Any) -> Any:  # noqa: ANN401 (whatever was logged)
    if isinstance(value, str) and not value.isprintable():
        return value.encode("unicode_escape").decode("ascii")
    return value
