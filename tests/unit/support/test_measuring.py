"""Processes that a test starts are measured where the test is."""

import sys
from pathlib import Path
from subprocess import check_output, run

import pytest

from tests.support.measuring import unmeasured

_RUN_TESTS = Path(__file__).parents[3] / "scripts" / "run-tests"


def is_measured() -> bool:
    told = check_output([sys.executable, "-c", "import sys; print('coverage' in sys.modules)"], text=True)
    return told == "True\n"


def test_what_a_test_starts_is_measured_where_the_run_is(cov: object) -> None:
    assert is_measured() == (cov is not None)


@pytest.mark.no_cover
def test_what_a_test_that_is_not_measured_starts_is_not_measured_either() -> None:
    assert not is_measured()


@pytest.mark.processes
def test_a_run_that_is_not_measured_takes_tests_that_never_are() -> None:
    never = test_what_a_test_that_is_not_measured_starts_is_not_measured_either
    done = run(
        [_RUN_TESTS, "--no-cov", "-n", "0", "-p", "no:cacheprovider", f"{__file__}::{never.__name__}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_for_a_while_nothing_is_measured_and_then_as_before() -> None:
    before = is_measured()
    with unmeasured():
        assert not is_measured()
    assert is_measured() == before
