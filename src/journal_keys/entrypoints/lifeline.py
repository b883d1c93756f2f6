"""A process lives no longer than the one that started it."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def hold_on_to_parent() -> None:
    """Leave SIGINT to the parent, and end this process at once when the parent has ended, however it did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
