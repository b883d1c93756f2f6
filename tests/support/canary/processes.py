"""Processes that this one did not start itself: seen in /proc while they run."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.canary.watch import WATCH

_PAUSE_S: Final = 0.02
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Start:
    """What a process was started with, as the kernel shows it."""

    arguments: bytes
    environment: bytes


def watch_tree(root: int, goes_on: Callable[[], bool]) -> dict[int, Start]:
    """Show the canaries what the process `root` and all below it were started with, and give it by pid."""
    seen: dict[int, Start] = {}
    while goes_on():
        for pid, start in _starts(root):
            if seen.get(pid) != start:
                seen[pid] = start
                WATCH.show_start([start.arguments], _by_name(start.environment))
        WATCH.look()
        time.sleep(_PAUSE_S)
    return seen


def show_tree(root: int) -> None:
    """Show them what the process `root` and all below it, as they run now, were started with; but for this process."""
    for pid, start in _starts(root):
        if pid != os.getpid():
            WATCH.show_start([start.arguments], _by_name(start.environment))


def _starts(root: int) -> Iterator[tuple[int, Start]]:
    for pid in _tree(root):
        start = Start(_read(f"{pid}/cmdline"), _read(f"{pid}/environ"))
        if start.arguments and start.environment:
            yield pid, start


def _tree(root: int) -> Iterator[int]:
    yield root
    for task in _PROC.glob(f"{root}/task/*"):
        for child in _read(f"{root}/task/{task.name}/children").split():
            yield from _tree(int(child))


def _read(name: str) -> bytes:
    try:
        return (_PROC / name).read_bytes()
    except OSError:
        return b""  # it has ended


def _by_name(variables: bytes) -> dict[bytes, bytes]:
    pairs = (entry.partition(b"=") for entry in variables.split(b"\0"))
    return {name: value for name, _, value in pairs if name}
