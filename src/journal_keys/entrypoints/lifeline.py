"""A process lives no longer than the one that started it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from shutil import rmtree
from typing import Final

from journal_keys import events

STOPS_WITHIN_S: Final = 4.0
"""How long a service may take to stop by itself: 2 s for requests under way, 1.5 s to end tasks and leave the fleet.

Then it is cut off, so that with its last steps it ends within 5 s.
"""


def hold_on_to_parent(folder: Path | None = None) -> None:
    """Leave SIGINT to the parent, and end this process at once when the parent has ended, however it did.

    The `folder` is the parent's own, which a killed parent leaves behind: it is deleted then.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(folder,), name="lifeline", daemon=True).start()


def _end_with_parent(folder: Path | None) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        if folder is not None:
            rmtree(folder, ignore_errors=True)
        os._exit(1)


@contextmanager
def last_call() -> Iterator[None]:
    """End this process where what is done inside does not end in time: others repair what it leaves undone."""
    timer = threading.Timer(STOPS_WITHIN_S, _end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end() -> None:
    events.SERVICE_CUT_OFF.tell(within_s=STOPS_WITHIN_S)
    os._exit(0)
