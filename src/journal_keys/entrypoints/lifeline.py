"""A process lives no longer than the one that started it."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from pathlib import Path
from shutil import rmtree


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
