"""What nobody caught, told through the log: Python itself would write a traceback with whatever its text holds."""

import sys
import threading
from types import TracebackType

from journal_keys import events


def tell_what_nobody_caught() -> None:
    """Have exceptions that end this process or one of its threads, or that could not be raised, told as events."""
    sys.excepthook = _of_the_process
    threading.excepthook = _of_a_thread
    sys.unraisablehook = _unraisable


def _of_the_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _tell("the process", error)


def _of_a_thread(thrown: threading.ExceptHookArgs) -> None:
    if thrown.exc_value is not None and not isinstance(thrown.exc_value, SystemExit):
        _tell(f"the thread {thrown.thread.name}" if thrown.thread else "a thread", thrown.exc_value)


def _unraisable(thrown: "sys.UnraisableHookArgs") -> None:
    if thrown.exc_value is not None:
        _tell(thrown.err_msg or f"{type(thrown.object).__name__} at its end", thrown.exc_value)


def _tell(where: str, error: BaseException) -> None:
    events.NOT_CAUGHT.tell(where=where, error=f"{type(error).__name__}: {error}", trace=events.trace_of(error))
