"""Workers that end while nobody can start: the others serve on, and the service ends where none is left."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.operator import COMMAND, Operator
from tests.support.read_log import read_log
from tests.support.service import status

pytestmark = pytest.mark.processes

LONGEST_S: Final = 120.0
NOT_STARTED: Final = "worker_not_started"


@dataclass(slots=True)
class Service:
    """Two workers, whose views outlast the outage."""

    process: "subprocess.Popen[bytes]"
    address: str
    logged: list[str]

    def workers(self) -> set[int]:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}

    def key_set(self) -> str:
        return status(f"{self.address}/.well-known/jwks.json")

    def shown(self) -> set[int]:
        """The workers that show figures, as each does that has started."""
        text = subprocess.run(["curl", "--silent", f"{self.address}/metrics"], capture_output=True, check=True).stdout
        return {int(pid) for pid in re.findall(rb'journal_keys_aes_encryptions{.*pid="(\d+)"', text)}

    def told(self, event: str) -> int:
        return sum(event in line for line in self.logged)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path, JOURNAL_KEYS_PROFILE="standard", JOURNAL_INFISICAL_CACHE_TTL="120")
    made.json("init")
    return made


@contextmanager
def serving(operator: Operator) -> Iterator[Service]:
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--json", "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=operator.environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        with read_log(process.stderr) as logged:
            try:
                yield Service(process, json.loads(process.stdout.readline())["serves_on"], logged)
            finally:
                process.terminate()


@contextmanager
def ledger_away(operator: Operator) -> Iterator[None]:
    """Have the ledger out of reach."""
    away = operator.home / "away"
    away.mkdir()
    files = list(operator.home.glob("ledger.sqlite3*"))
    for file in files:
        file.rename(away / file.name)
    yield
    for file in away.iterdir():
        file.rename(operator.home / file.name)


def wait_until(holds: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < ends_s
        time.sleep(0.1)


def test_a_worker_that_cannot_be_replaced_in_an_outage_is_replaced_behind_it_and_the_other_serves_on(
    operator: Operator,
) -> None:
    with serving(operator) as service:
        before = service.workers()
        victim, survivor = sorted(before)
        with ledger_away(operator):
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: service.told(NOT_STARTED) > 1 or service.process.poll() is not None)
            assert (service.process.poll(), service.key_set()) == (None, "200")
            assert survivor in service.workers()
        wait_until(lambda: len(service.shown()) == 2 and service.shown() == service.workers() != before)
        service.process.terminate()
        assert service.process.wait(LONGEST_S) == 0


def test_a_service_that_is_told_to_stop_in_such_an_outage_ends_as_always(operator: Operator) -> None:
    with serving(operator) as service, ledger_away(operator):
        os.kill(min(service.workers()), signal.SIGKILL)
        wait_until(lambda: service.told(NOT_STARTED) > 0)
        service.process.terminate()
        assert service.process.wait(LONGEST_S) == 0
    assert "did not start" not in "".join(service.logged)


def test_a_service_whose_workers_are_all_gone_and_cannot_be_replaced_ends_and_says_so(operator: Operator) -> None:
    with serving(operator) as service, ledger_away(operator):
        for worker in service.workers():
            os.kill(worker, signal.SIGKILL)
        assert service.process.wait(LONGEST_S) == ExitCode.FAILED
    told = "".join(service.logged)
    assert "no worker is left" in told
    assert "the service did not start" not in told
