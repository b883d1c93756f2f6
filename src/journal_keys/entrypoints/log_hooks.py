"""What nobody caught, told through the log: Python itself would write a traceback with whatever its text holds."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Final

from journal_keys import events

_STANDARD_ERROR: Final = 2
_MOST_CAUSES: Final = 5


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
        name = getattr(thrown.object, "__qualname__", type(thrown.object).__name__)
        _tell(f"{thrown.err_msg or 'exception ignored in'} {name}", thrown.exc_value)


def _tell(where: str, error: BaseException) -> None:
    try:
        chain = tuple(_with_causes(error))
        told = " from ".join(f"{type(one).__name__}: {one}" for one in chain)
        events.NOT_CAUGHT.tell(where=where, error=told, trace=" from ".join(map(events.trace_of, chain)))
    except Exception:  # noqa: BLE001 (at its end the interpreter can import nothing any more)
        line = f'{{"level": "critical", "event": "not_caught", "error": "{type(error).__name__}"}}\n'
        with suppress(OSError):
            os.write(_STANDARD_ERROR, line.encode("ascii", "replace"))


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
