"""The files that a test leaves: which are new, and what they hold."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 32 * 1024 * 1024
_MOST_FILES: Final = 500
_GAPS: Final = re.compile(rb"\0{16,}")


def entries(folder: Path) -> frozenset[str]:
    """Name what is in a folder, if it is there; runs of tests, which begin with `pytest-of-`, are left out."""
    if not folder.is_dir():
        return frozenset()
    with os.scandir(folder) as found:
        return frozenset(entry.name for entry in found if not entry.name.startswith("pytest-of-"))


def new_files(before: Mapping[Path, frozenset[str]]) -> Iterator[Path]:
    """Give the regular files under each folder's entries that were not there before."""
    for folder, names in before.items():
        for name in sorted(entries(folder) - names):
            yield from files_in(folder / name)


def files_in(top: Path) -> Iterator[Path]:
    """Give the regular files in a folder, or the file that this is."""
    if top.is_symlink():
        return
    found = (Path(at) / name for at, _, names in os.walk(top) for name in names)
    for number, path in enumerate(found if top.is_dir() else [top]):
        if number < _MOST_FILES and _is_regular(path):
            yield path


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False  # gone again: another process's


def without_gaps(data: bytes) -> bytes:
    """Drop runs of zeros: most of a young SQLite file is empty pages, and no secret holds 16 zeros."""
    return _GAPS.sub(b"\0", data)


def content(path: Path) -> bytes:
    """Read a file; one that is gone or closed to us is empty."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return file.read(min(size, _MOST_BYTES))  # room for the most at each of thousands of reads costs minutes
    except OSError:
        return b""


def is_in_use(path: Path) -> bool:
    """Whether SQLite may hold locks on this file: they would be lost if this process opened and closed it."""
    return path.name.endswith("-shm") or path.with_name(f"{path.name}-shm").exists()
