"""How far long work is: a bar on a terminal, nothing elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal_keys.ports.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


@contextmanager
def shown(*, json: bool) -> Iterator[Progress]:
    """Give what to tell; standard error shows it where that is a terminal and no JSON is wanted."""
    if json or not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Live

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Live(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bar(bars)


class _Bar(Progress):
    def __init__(self, bars: "Bars") -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None)

    def __call__(self, doing: str, done: int, total: int) -> None:
        """Move the bar."""
        self._bars.update(self._task, description=doing, completed=done, total=total)
