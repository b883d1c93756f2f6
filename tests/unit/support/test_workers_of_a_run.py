"""The workers of a run are started as the run is: pytest-xdist by itself hands on no option of the interpreter."""

import os
from pathlib import Path
from subprocess import run

import pytest

_ROOT = Path(__file__).parents[3]


@pytest.mark.processes
def test_the_workers_of_a_run_are_in_development_mode_and_warnings_are_errors_to_them() -> None:
    done = run(
        ["scripts/run-tests", "--no-cov", "-p", "no:cacheprovider", "tests/data/modes/worker.py"],
        cwd=_ROOT,
        env={**os.environ, "TEST_WORKERS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
