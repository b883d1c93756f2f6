"""Whether the processes that a test starts are measured for coverage, which takes about as long as what they do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_TOLD: Final = "COVERAGE_PROCESS_CONFIG"
"""Where a process that Python starts learns that it is to be measured, and how."""


@contextmanager
def unmeasured() -> Iterator[None]:
    """Let no process that is started meanwhile be measured."""
    told = os.environ.pop(_TOLD, None)
    try:
        yield
    finally:
        if told is not None:
            os.environ[_TOLD] = told
