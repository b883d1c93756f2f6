"""A command that is told to end first closes what it has open: no child and no folder is left."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final, NoReturn, TypeVar

T = TypeVar("T")


TERMINATED: Final = 128 + signal.SIGTERM
"""What a shell says of a process that died of SIGTERM."""


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run it; SIGTERM cancels it, as Ctrl-C does.

    Raises:
        SystemExit: with `TERMINATED`: SIGTERM came, and the work did not end otherwise.
    """
    is_told = asyncio.Event()

    async def until_told() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 (this is a coroutine that runs)

        def end() -> None:
            if not is_told.is_set():  # a second cancellation would meet the closing of what is open
                is_told.set()
                task.cancel()

        loop.add_signal_handler(signal.SIGTERM, end)
        return await work

    try:
        return asyncio.run(until_told())
    except asyncio.CancelledError:
        if is_told.is_set():
            raise SystemExit(TERMINATED) from None
        raise


def die_of_sigterm() -> NoReturn:
    """End as a process does that does not hear SIGTERM: whoever waits for it sees why it ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
    sys.exit(TERMINATED)  # where it is blocked
