"""A command that is told to end leaves no child of the Infisical CLI, which has the token in its environment."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.support.infisical.scripts import script
from tests.support.operator import COMMAND, Operator

pytestmark = pytest.mark.processes

LONGEST_S: Final = 60.0
HANGS: Final = 'echo $$ > "$(dirname "$0")/started"; mv "$(dirname "$0")/started" "$(dirname "$0")/pid"; exec sleep 777'
"""Whatever else the program is asked, it says which process it is, and no more."""
WITHOUT_SIGINT: Final = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
"""As the shell of a script starts what it does not wait for."""

COMMANDS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "init": ((), ("init",)),
    "init without Ctrl-C": (WITHOUT_SIGINT, ("init",)),
    "reconcile": ((), ("reconcile",)),
    "secrets": ((), ("secrets", "list", "/infrastructure")),
    "serve before it listens": ((), ("serve", "--port", "0")),
}


@pytest.mark.parametrize(("around", "words"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_is_told_to_end_ends_its_child_and_dies_of_that(
    tmp_path: Path, around: tuple[str, ...], words: tuple[str, ...]
) -> None:
    operator, here = Operator(tmp_path), tmp_path / "temporary"
    here.mkdir()
    if words != ("init",):
        operator.json("init")  # in a vault; the ledger knows the rings whatever the store is
    cli = script(tmp_path / "bin", HANGS)
    with subprocess.Popen(
        [*around, *COMMAND, *words],
        env=operator.environment
        | {
            "TMPDIR": str(here),
            "JOURNAL_INFISICAL_ENABLED": "true",
            "JOURNAL_INFISICAL_SERVER_URL": "http://127.0.0.1:9",
            "JOURNAL_INFISICAL_PROJECT_ID": "project",
            "JOURNAL_INFISICAL_CLI_PATH": str(cli),
            "INFISICAL_TOKEN": "a-token",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        try:
            wait_until((cli.parent / "pid").exists)
            command.send_signal(signal.SIGTERM)
            shown, errors = command.communicate(timeout=LONGEST_S)
        finally:
            command.kill()
    child = int((cli.parent / "pid").read_text())
    is_left = Path(f"/proc/{child}").exists()
    if is_left:
        os.kill(child, signal.SIGKILL)
    assert (is_left, list(here.iterdir())) == (False, [])
    assert (command.returncode, errors) == (-signal.SIGTERM, b"")
    assert b"Abort" not in shown


def wait_until(holds: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < ends_s
        time.sleep(0.02)
