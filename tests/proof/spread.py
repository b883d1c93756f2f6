"""Independent parts of a proof, one after the other or over all processors."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


def spread(work: Callable[[Task], Outcome], tasks: Iterable[Task], *, over_processors: bool) -> list[Outcome]:
    """Do every task, and give the outcomes in their order; work, tasks and outcomes go to other processes by pickle."""
    if not over_processors:
        return [work(task) for task in tasks]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        return list(pool.map(work, tasks))
