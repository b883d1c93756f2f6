"""Canaries: no secret that a test makes may turn up where others can read it; the test that shows one fails."""

import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.canary.boundaries import watch_boundaries
from tests.support.canary.watch import WATCH

_BOUNDARIES = pytest.MonkeyPatch()


def pytest_configure() -> None:
    """Watch from before the import of the first test module."""
    watch_boundaries(_BOUNDARIES)


def pytest_unconfigure() -> None:
    """Leave everything as it was."""
    _BOUNDARIES.undo()


@pytest.fixture(autouse=True)
def canary(request: pytest.FixtureRequest) -> None:
    """Watch this test, its other fixtures included: this one comes first."""
    own: list[Path] = [request.getfixturevalue("tmp_path")] if "tmp_path" in request.fixturenames else []
    WATCH.begin(own=own, shared=[Path(tempfile.gettempdir())])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look for files after the test's body, while its fixtures stand; look for secrets when they are gone."""
    report = yield
    if call.excinfo is not None and not call.excinfo.errisinstance(AssertionError):
        WATCH.show_error(call.excinfo.value)
    if call.when == "call":
        WATCH.look()
    if call.when == "teardown":
        for name, text in report.sections:
            WATCH.show(name, text)
        found = WATCH.end()
        if found:
            report.outcome, report.longrepr = "failed", "\n".join(found)
    return report
