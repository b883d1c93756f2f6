"""`make flakes`: the suite again and again, and what counts as a run."""

import subprocess
from pathlib import Path

from tests.support.documents import ROOT

SUITE = """#!/bin/sh
echo "$@" >>../started
n=$(wc -l <../started)
{body}
"""
PASSES = 'echo "3 passed in 0.1s"'
SECOND_FAILS = '[ $n != 2 ] || { echo "FAILED tests/a.py::test_b - no"; echo "1 failed, 2 passed"; exit 1; }; ' + PASSES


class Project:
    """A repository with a suite of its own, and the script."""

    def __init__(self, folder: Path, body: str) -> None:
        self.folder = folder / "project"
        self.log = folder / "started"
        (self.folder / "scripts").mkdir(parents=True)
        script = ROOT / "scripts" / "find-flakes"
        for name, text in {"find-flakes": script.read_text("utf-8"), "run-tests": SUITE.format(body=body)}.items():
            (self.folder / "scripts" / name).write_text(text, "utf-8")
            (self.folder / "scripts" / name).chmod(0o755)
        (self.folder / ".gitignore").write_text("flakes/\n", "utf-8")
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, timeout=10)

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", "as it is")

    def find(self, runs: int) -> tuple[int, list[str]]:
        found = subprocess.run(
            ["scripts/find-flakes"],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "RUNS": str(runs)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )
        return found.returncode, found.stdout.splitlines()

    def started(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines()


def test_every_run_is_told_and_none_is_measured(tmp_path: Path) -> None:
    project = Project(tmp_path, PASSES)
    assert project.find(2) == (0, ["run 1: 3 passed in 0.1s", "run 2: 3 passed in 0.1s", "runs 2, failed 0"])
    assert project.started() == ["--no-cov"] * 2


def test_one_failure_of_many_is_named(tmp_path: Path) -> None:
    status, told = Project(tmp_path, SECOND_FAILS).find(3)
    assert status == 1
    assert told == [
        "run 1: 3 passed in 0.1s",
        "run 2: 1 failed, 2 passed",
        "FAILED tests/a.py::test_b - no",
        "run 3: 3 passed in 0.1s",
        "runs 3, failed 1",
    ]


def test_a_run_that_ends_without_a_word_has_failed(tmp_path: Path) -> None:
    status, told = Project(tmp_path, "exit 3").find(1)
    assert status == 1
    assert told[-1] == "runs 1, failed 1"
    assert told[-2].startswith("see flakes/")


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    project = Project(tmp_path, SECOND_FAILS)
    project.find(2)
    status, told = project.find(3)
    assert (status, told[-1]) == (1, "runs 3, failed 1")
    assert len(project.started()) == 3


def test_another_commit_begins_anew(tmp_path: Path) -> None:
    project = Project(tmp_path, SECOND_FAILS)
    project.find(2)
    project.commit()
    assert project.find(1) == (0, ["run 1: 3 passed in 0.1s", "runs 1, failed 0"])


def test_what_is_not_committed_is_not_run(tmp_path: Path) -> None:
    project = Project(tmp_path, PASSES)
    (project.folder / "more.py").write_text("", "utf-8")
    status, told = project.find(1)
    assert (status, len(told)) == (2, 1)
    assert "commit, then start again" in told[0]
    assert not project.log.exists()


def test_a_run_that_changed_what_is_committed_does_not_count(tmp_path: Path) -> None:
    project = Project(tmp_path, "echo x >written; " + PASSES)
    for _ in range(2):
        status, told = project.find(1)
        assert (status, len(told)) == (2, 1)
        assert "commit, then start again" in told[0]
    assert len(project.started()) == 1
