"""The folder in which workers keep their figures."""

from pathlib import Path

import pytest

from journal_keys.entrypoints.http.workers import figures_folder, own_figures


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/somebody/elses")


@pytest.mark.usefixtures("environment")
def test_our_own_folder_may_be_deleted_by_whoever_is_left() -> None:
    with figures_folder() as folder:
        assert folder.is_dir()
        assert own_figures(folder) == folder
    assert not folder.exists()


@pytest.mark.parametrize("folder", [None, Path("/var/lib/figures"), Path("/dev/shm"), Path("/")])
def test_a_folder_that_somebody_else_named_may_not(folder: Path | None) -> None:
    assert own_figures(folder) is None
