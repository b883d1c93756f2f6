"""Children that misbehave."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from journal_keys.adapters.infisical_cli.process import (
    Call,
    ChildFloodError,
    ChildHeldUpError,
    ChildKilledError,
    ChildNotStartedError,
    ChildTimeoutError,
    Finished,
    run,
)

pytestmark = pytest.mark.processes

SHELL = "/bin/sh"


def call(folder: Path, script: str, *, deadline_s: float = 20, data: bytes | None = None, keeps: bool = True) -> Call:
    return Call(
        program=SHELL,
        argv=("-c", script),
        environment={"PATH": "/usr/bin:/bin"},
        folder=folder,
        deadline_s=deadline_s,
        data=data,
        keeps_stdout=keeps,
    )


def ended(asked: Call) -> Finished:
    return run(asked, threading.Event())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(file: Path) -> str:
    for _ in range(2_000):
        if file.exists() and file.read_text().endswith("\n"):
            return file.read_text().strip()
        time.sleep(0.005)
    raise AssertionError(f"{file} was not written")


def test_what_a_child_prints_and_how_it_ends_is_told(tmp_path: Path) -> None:
    finished = ended(call(tmp_path, "echo out; echo err >&2; exit 3"))
    assert (finished.exit_code, finished.stdout, finished.stderr) == (3, b"out\n", b"err\n")
    assert "out" not in repr(finished)


def test_data_of_any_size_goes_through_the_pipe_while_the_child_answers(tmp_path: Path) -> None:
    data = os.urandom(700_000)
    assert ended(call(tmp_path, "cat", data=data)).stdout == data


def test_a_child_that_reads_nothing_of_its_data_is_judged_by_its_end(tmp_path: Path) -> None:
    assert ended(call(tmp_path, "exec 0<&-; exit 4", data=b"x" * 700_000)).exit_code == 4


def test_without_data_standard_input_is_empty(tmp_path: Path) -> None:
    assert ended(call(tmp_path, "cat; echo end")).stdout == b"end\n"


def test_a_child_has_a_group_of_its_own_our_folder_and_no_other_files_or_variables(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as other:
        os.set_inheritable(other.fileno(), True)  # noqa: FBT003 (its only form)
        printed = ended(call(tmp_path, "echo $$; ps -o pgid= -p $$; pwd; ls -l /proc/self/fd; env")).stdout.decode()
    pid, group, folder, *rest = printed.split("\n")
    assert pid == group.strip()
    assert folder == str(tmp_path)
    assert other.name not in printed
    assert {line.split("=")[0] for line in rest if "=" in line} <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}


def test_output_that_nobody_needs_goes_nowhere(tmp_path: Path) -> None:
    finished = ended(call(tmp_path, "yes secret | head -c 300000000; echo done >&2", keeps=False))
    assert (finished.stdout, finished.stderr) == (b"", b"done\n")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_child_that_prints_without_end_is_killed(tmp_path: Path, stream: str) -> None:
    with pytest.raises(ChildFloodError, match=stream):
        ended(call(tmp_path, f"echo $$ > pid; exec yes >&{1 if stream == 'stdout' else 2}"))
    assert not is_alive(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    "script",
    [
        "echo $$ > pid; sleep 60",
        "trap '' TERM; echo $$ > pid; while :; do sleep 60; done",
        "echo $$ > pid; kill -STOP $$; sleep 60",
        "echo $$ > pid; exec 1>&- 2>&-; sleep 60",
    ],
    ids=["hangs", "ignores TERM", "is stopped", "closes its pipes and hangs"],
)
def test_a_child_that_does_not_end_in_time_is_killed(tmp_path: Path, script: str) -> None:
    with pytest.raises(ChildTimeoutError):
        ended(call(tmp_path, script, deadline_s=0.4))
    assert not is_alive(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("start", ["", "setsid "], ids=["of the same group", "of another session"])
def test_a_process_left_behind_that_holds_the_pipes_does_not_hold_up_the_call(tmp_path: Path, start: str) -> None:
    finished = ended(
        call(tmp_path, f"{start}sh -c 'echo $$ > pid; exec sleep 50' & while ! [ -s pid ]; do :; done; echo out")
    )
    assert (finished.exit_code, finished.stdout) == (0, b"out\n")
    left = int((tmp_path / "pid").read_text())
    if start:
        os.kill(left, signal.SIGKILL)
    else:
        for _ in range(200):
            if not is_alive(left):
                break
            time.sleep(0.01)
        assert not is_alive(left)


def test_a_child_that_another_killed_is_told_from_one_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ChildKilledError, match="SIGKILL"):
        ended(call(tmp_path, "kill -KILL $$"))


def test_a_program_that_cannot_be_started_is_said_to_have_done_nothing(tmp_path: Path) -> None:
    missing = Call(program=str(tmp_path / "none"), argv=(), environment={}, folder=tmp_path, deadline_s=1, data=b"x")
    with pytest.raises(ChildNotStartedError, match="No such file") as told:
        ended(missing)
    assert not isinstance(told.value, ChildHeldUpError)


def test_a_program_whose_folder_is_gone_may_be_started_later(tmp_path: Path) -> None:
    with pytest.raises(ChildHeldUpError, match="No such file"):
        ended(call(tmp_path / "gone", "exit 0"))


def test_a_program_for_which_there_are_no_files_left_may_be_started_later(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(ChildHeldUpError, match="Too many open files"):
            ended(call(tmp_path, "exit 0"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_call_that_is_stopped_kills_its_child(tmp_path: Path) -> None:
    stopped = threading.Event()
    outcome: list[BaseException] = []

    def target() -> None:
        try:
            run(call(tmp_path, "echo $$ > pid; exec sleep 60"), stopped)
        except ChildTimeoutError as failure:
            outcome.append(failure)

    thread = threading.Thread(target=target)
    thread.start()
    pid = int(wait_for(tmp_path / "pid"))
    stopped.set()
    thread.join(timeout=20)
    assert len(outcome) == 1
    assert not is_alive(pid)


def test_no_child_and_no_file_stays_behind(tmp_path: Path) -> None:
    script = f"""
import os, threading, pathlib, sys
from journal_keys.adapters.infisical_cli import process
call = process.Call(program={SHELL!r}, argv=("-c", sys.argv[1]), environment={{}}, folder=pathlib.Path("."),
                    deadline_s=0.2, data=b"x" * 100_000)
before = len(os.listdir("/proc/self/fd"))
for _ in range(5):
    try:
        process.run(call, threading.Event())
    except process.ChildTimeoutError:
        pass
children = pathlib.Path("/proc/self/task/%d/children" % os.getpid()).read_text().split()
print(len(os.listdir("/proc/self/fd")) - before, children)
"""
    for child in ("cat > /dev/null", "sleep 60"):
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", script, child],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        assert (done.stdout, done.stderr) == ("0 []\n", "")


def test_the_tools_of_these_tests_are_there() -> None:
    assert all(shutil.which(tool) for tool in ("ps", "setsid", "yes"))
