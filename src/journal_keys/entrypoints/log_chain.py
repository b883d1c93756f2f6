"""How a record becomes text: structlog's chain, the same for our own records and for those of other loggers.

Of a record of ours its named fields are shown, of any other its message and its exception. The last step before the
text is made is `_shown`: control characters are escaped, and what has the form of a secret is put out of sight.
"""

import logging
from typing import Any, Final

from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

from journal_keys.domain.redaction import shown
from journal_keys.entrypoints.log_lines import moment_of
from journal_keys.events import IDENTIFIERS, bound_ids

_KEPT: Final = IDENTIFIERS | {"timestamp", "level", "logger", "filename", "name"}
_exception: Final = ExceptionDictTransformer(show_locals=False, use_rich=False)


def formatter(*, readable: bool) -> ProcessorFormatter:
    """Give what makes text of records: readable, or one JSON object a line."""
    end: list[Processor] = [_in_lines, ConsoleRenderer(exception_formatter=plain_traceback)]
    return ProcessorFormatter(
        foreign_pre_chain=[_stamped, add_log_level, add_logger_name, _named],
        processors=[ProcessorFormatter.remove_processors_meta, _shown, *(end if readable else [JSONRenderer()])],
    )


def _stamped(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the moment first."""
    return {"timestamp": moment_of(event["_record"]), **event}


def _named(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give of a record what may be shown, and nothing else that somebody put into it."""
    record: logging.LogRecord = event["_record"]
    text, error = event.pop("event"), event.pop("exc_info", None)
    event.pop("stack_info", None)
    event["event"] = getattr(record, "event_name", text)
    event.update(getattr(record, "event_fields", None) or bound_ids())
    if error and error[0]:
        event["exception"] = _exception(error)
    return event


def _shown(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: _cleaned(value, name) for name, value in event.items()}


def _cleaned(value: Any, name: str) -> Any:  # noqa: ANN401 (whatever stands in an event)
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {str(key): _cleaned(one, str(key)) for key, one in value.items()}
        case list() | tuple():
            return [_cleaned(one, name) for one in value]
        case _:
            return shown(str(value), is_identifier=name in _KEPT)


def _in_lines(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Show exceptions under the line of their event, each line of them indented: none looks like an event."""
    if "exception" in event:
        event["exception"] = "\n".join(f"    {line}" for stack in event["exception"] for line in _stack_lines(stack))
    return event


def _stack_lines(stack: dict[str, Any]) -> list[str]:
    frames = [f"  at {frame['filename']}:{frame['lineno']} in {frame['name']}" for frame in stack["frames"]]
    members = [f"  {line}" for group in stack.get("exceptions", ()) for one in group for line in _stack_lines(one)]
    return [f"{stack['exc_type']}: {stack['exc_value']}", *frames, *members]
