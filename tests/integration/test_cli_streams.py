"""Whatever is wrong with what the command is given, or with where it writes: one line and a code, no traceback."""

import subprocess
from pathlib import Path

import pytest

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.operator import COMMAND, Operator

pytestmark = pytest.mark.processes
SECRET = "/infrastructure/redis_url"


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    made = Operator(tmp_path_factory.mktemp("streams"))
    assert made.run("init").returncode == 0
    assert made.run("secrets", "set", SECRET, given=b"redis://h").returncode == 0
    return made


SHELL: dict[str, tuple[str, ExitCode, str]] = {
    "a reason that is no text": (r"rotate jwt --force --reason $'\xff'", ExitCode.REFUSED, "1 to 500 printable"),
    "a reason of two lines": (r"rotate jwt --force --reason $'a\nb'", ExitCode.REFUSED, "1 to 500 printable"),
    "an empty reason": ("rotate jwt --force --reason ''", ExitCode.REFUSED, "the reason is malformed"),
    "a compromise for no reason": ("compromise jwt_nobody --reason ''", ExitCode.REFUSED, "the reason is malformed"),
    "an id with a blank": ("rotate jwt --rotation-id 'a b'", ExitCode.REFUSED, "the rotation_id is malformed"),
    "an id that is no text": (r"rotate jwt --rotation-id $'\xff'", ExitCode.REFUSED, "1 to 128 of"),
    "closed input": (f"secrets set {SECRET} <&-", ExitCode.REFUSED, "1 to 65536 bytes, not 0"),
    "closed output": (f"secrets get {SECRET} >&-", ExitCode.FAILED, "output failed: No space left"),
    "closed output of a table": ("keys list >&-", ExitCode.FAILED, "output failed: No space left"),
    "full output": (f"secrets get {SECRET} >/dev/full", ExitCode.FAILED, "output failed: No space left"),
    "full output of JSON": ("status --json >/dev/full", ExitCode.FAILED, "output failed: No space left"),
}


def shell(operator: Operator, words: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    command = ["bash", "-c", f"{' '.join(COMMAND)} {words}"]
    environment = {**operator.environment, **changes}
    return subprocess.run(command, capture_output=True, env=environment, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(("words", "code", "named"), SHELL.values(), ids=SHELL.keys())
def test_bad_words_and_bad_streams_are_one_line_and_a_code(
    operator: Operator, words: str, code: ExitCode, named: str
) -> None:
    done = shell(operator, words)
    assert done.returncode == code, done.stderr
    assert named in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1, done.stderr


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_a_fault_of_ours_is_one_line_and_its_traceback_is_for_debugging(
    tmp_path: Path, level: str, *, shown: bool
) -> None:
    code = "from journal_keys.entrypoints.cli import main; main.app = lambda: 1 / 0; main.main()"
    environment = {**Operator(tmp_path).environment, "JOURNAL_LOG_LEVEL": level}
    done = subprocess.run([COMMAND[0], "-c", code], capture_output=True, env=environment, check=False)
    assert done.returncode == ExitCode.FAILED
    assert done.stderr.startswith(b"error: an unexpected ZeroDivisionError")
    assert (b"Traceback" in done.stderr) is shown
    assert shown or done.stderr.count(b"\n") == 1
