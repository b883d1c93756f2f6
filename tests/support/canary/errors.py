"""What an exception shows to whoever catches, prints or reports it."""

import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TypeAlias

Place: TypeAlias = tuple[type[BaseException], str, int]


def family(error: BaseException) -> Iterator[BaseException]:
    """Give the exception, its causes and contexts (suppressed ones too: debuggers show them) and a group's members."""
    seen: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen[id(one)] = one
            waiting += (one.__cause__, one.__context__)
            if isinstance(one, BaseExceptionGroup):
                waiting += one.exceptions
            yield one


def words(error: BaseException) -> str:
    """Give what the exception holds: message, arguments, notes, attributes."""
    notes = getattr(error, "__notes__", ())
    return "\n".join((type(error).__name__, str(error), repr(error.args), *notes, repr(vars(error))))


def place(error: BaseException) -> Place:
    """Say where it was raised: a traceback adds source lines to the words, the same ones for the same place."""
    end: TracebackType | None = error.__traceback__
    while end is not None and end.tb_next is not None:
        end = end.tb_next
    return (type(error), end.tb_frame.f_code.co_filename, end.tb_lineno) if end else (type(error), "", 0)


def rendered(error: BaseException) -> str:
    """Give the traceback with those of causes and contexts, as the interpreter would print it."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
