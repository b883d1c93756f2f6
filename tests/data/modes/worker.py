"""What a worker of a run is like; `tests/unit/support/test_workers_of_a_run.py` has it run."""

import os
import sys


def test_it_is_a_worker_in_development_mode_to_which_a_warning_is_an_error() -> None:
    assert "PYTEST_XDIST_WORKER" in os.environ
    assert sys.flags.dev_mode
    assert sys.warnoptions[-1] == "error"
