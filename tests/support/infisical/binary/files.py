"""Files that a call reads, without `pathlib`, whose import alone takes a third of the time that a call may take."""

import contextlib
import os
from collections.abc import Iterator


def read(path: str) -> bytes:
    """Give what a file holds; the path may be relative to the working folder."""
    with open(path, "rb") as file:  # noqa: PTH123 (see above)
        return file.read()


def read_upwards(name: str) -> Iterator[bytes]:
    """Give what files of this name hold, from the working folder up to the root."""
    folder = os.getcwd()  # noqa: PTH109 (see above)
    while True:
        with contextlib.suppress(OSError):
            yield read(f"{folder.rstrip('/')}/{name}")
        if folder == "/":
            return
        folder = folder.rpartition("/")[0] or "/"
