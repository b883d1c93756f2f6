"""Standard streams that a caller has closed."""

import os
import sys
from typing import TextIO


def give_every_stream_a_place() -> None:
    """Open what was closed (`<&-`, `>&-`): nothing comes in, and what goes out fails as on a full disk.

    Python leaves None there, and the next file that is opened would take the number of the missing stream.
    """
    if sys.stdin is None:
        sys.stdin = _opened(os.devnull, os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = _opened("/dev/full", os.O_WRONLY)
    if sys.stderr is None:
        sys.stderr = _opened(os.devnull, os.O_WRONLY)


def _opened(device: str, flags: int) -> TextIO:
    return os.fdopen(os.open(device, flags), "w" if flags == os.O_WRONLY else "r", encoding="utf-8", closefd=False)
