"""Logs of a process of ours: the service, or one command. An application with the library has its own set-up.

Every logger of the process comes through one chain: JSON lines or, on a terminal, readable ones.
"""

import logging
import signal
import sys
from pathlib import Path
from typing import Final

from journal_keys import events
from journal_keys.entrypoints.log_hooks import tell_what_nobody_caught
from journal_keys.entrypoints.log_lines import FileHandler, LineHandler
from journal_keys.entrypoints.settings import Settings, SettingsError

_OTHERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "alembic", "asyncio", "py.warnings")


class _Chain(logging.Formatter):
    """Makes the chain at the first record: a command that logs nothing does not pay for it."""

    def __init__(self, *, readable: bool) -> None:
        super().__init__()
        self._readable = readable
        self._made: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._made is None:
            from journal_keys.entrypoints.log_chain import formatter  # noqa: PLC0415 (see above)

            self._made = formatter(readable=self._readable)
        return self._made.format(record)


def log_service(settings: Settings) -> None:
    """Send the logs of this process to standard error and, where there is a JOURNAL_LOG_FILE, there as JSON.

    With a file, SIGHUP has it opened anew.

    Raises:
        SettingsError: the file cannot be opened.
    """
    handlers: list[LineHandler] = [_to_standard_error()]
    if settings.journal_log_file is not None:
        handlers.append(_to_file(settings.journal_log_file))
    _take_over(handlers, settings)
    if has_log_file():
        signal.signal(signal.SIGHUP, lambda *_: reopen_log_file())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # a worker begins with it blocked


def has_log_file() -> bool:
    """Whether the logs of this process go to a file, too."""
    return any(isinstance(one, FileHandler) for one in logging.getLogger().handlers)


def reopen_log_file() -> None:
    """Go on in what the file's name stands for now."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, FileHandler) and handler.reopen():
            events.LOG_FILE_REOPENED.tell(file=handler.file)


def log_command(settings: Settings) -> None:
    """Send the logs of this command to standard error: warnings, where JOURNAL_LOG_LEVEL does not say otherwise."""
    is_said = "journal_log_level" in settings.model_fields_set
    level = settings.journal_log_level if is_said else "WARNING"
    _take_over([_to_standard_error()], settings.model_copy(update={"journal_log_level": level}))


def _take_over(handlers: list[LineHandler], settings: Settings) -> None:
    """Have the root logger hand every record to these handlers; other loggers' records count from WARNING on."""
    root = logging.getLogger()
    for former in [one for one in root.handlers if isinstance(one, LineHandler)]:
        root.removeHandler(former)
        former.close()
    for handler in handlers:
        root.addHandler(handler)
    level: int = logging.getLevelName(settings.journal_log_level)
    root.setLevel(max(level, logging.WARNING))
    for name in _OTHERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)
    logging.getLogger(events.LOGGER).setLevel(level)
    logging.captureWarnings(True)  # noqa: FBT003 (its signature)
    tell_what_nobody_caught()


def _to_standard_error() -> LineHandler:
    handler = LineHandler(sys.stderr.fileno())
    handler.setFormatter(_Chain(readable=sys.stderr.isatty()))
    return handler


def _to_file(file: Path) -> FileHandler:
    try:
        handler = FileHandler(file, lambda failure: events.LOG_FILE_FAILED.tell(file=file, error=failure.strerror))
    except OSError as failure:
        raise SettingsError(f"JOURNAL_LOG_FILE: {file} cannot be opened: {failure.strerror}") from None
    handler.setFormatter(_Chain(readable=False))
    return handler
