"""Canaries: no secret that a test makes may turn up where others can read it; the test that shows one fails."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from tests.support.canary.boundaries import watch_boundaries, watch_folders
from tests.support.canary.processes import show_tree
from tests.support.canary.watch import WATCH

_BOUNDARIES: Final = pytest.MonkeyPatch()
_SHARED: Final[defaultdict[str, list[Path]]] = defaultdict(list)
"""The folders that fixtures of several tests made, by the names of these fixtures."""


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
    own += [folder for name in request.fixturenames for folder in _SHARED.get(name, ())]
    WATCH.begin(own=own, shared=[Path(tempfile.gettempdir())])


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    """Note which folders a fixture of several tests makes: those who use it are searched for in them."""
    if fixturedef.scope == "function":
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        watch_folders(patch, _SHARED[fixturedef.argname].append)
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look for files and processes after the test's body, while its fixtures stand; for secrets when they are gone."""
    report = yield
    if call.excinfo is not None and not call.excinfo.errisinstance(AssertionError):
        WATCH.show_error(call.excinfo.value)
    if call.when == "call":
        WATCH.look()
        if item.get_closest_marker("processes"):
            show_tree(os.getpid())
    if call.when == "teardown":
        for name, text in report.sections:
            WATCH.show(name, text)
        found = WATCH.end()
        if found:
            report.outcome, report.longrepr = "failed", "\n".join(found)
    return report
