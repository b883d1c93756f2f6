"""A run of the command that is forked is as much a process of its own as one that Python starts."""

import subprocess
from pathlib import Path

import pytest

from tests.support.operator import COMMAND, Operator

pytestmark = pytest.mark.processes


def test_each_run_has_its_own_folder_environment_and_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = Operator(tmp_path, JOURNAL_KEYS_HOME="here")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert operator.run("init").returncode == 0
        assert operator.run("secrets", "set", "/infrastructure/nats_url", given=name.encode()).returncode == 0
    monkeypatch.chdir(tmp_path)
    for name in ("one", "other"):
        changes = {"JOURNAL_KEYS_HOME": str(tmp_path / name / "here")}
        done = operator.run("secrets", "get", "--show", "/infrastructure/nats_url", changes=changes)
        assert (done.returncode, done.stdout.strip()) == (0, name.encode())


@pytest.mark.parametrize(
    "words",
    [("--help",), ("config",), ("keys", "list"), ("rotate", "neither"), ("nothing",), ("audit", "verify", "--json")],
    ids=" ".join,
)
def test_a_run_says_what_one_that_python_starts_says(words: tuple[str, ...], tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    warm = operator.run(*words)
    cold = subprocess.run([*COMMAND, *words], capture_output=True, env=operator.environment, check=False)
    assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)
