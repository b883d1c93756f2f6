"""The log of a running service: JSON lines with ids, in a file that may be moved away, of every process."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.canary.watch import WATCH
from tests.support.operator import COMMAND, Operator
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.processes

LONGEST_S: Final = 120.0


class Running:
    """A service whose lines on standard error are read at its end."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        self.address = json.loads(process.stdout.readline())["serves_on"]
        self.told: list[dict[str, Any]] = []

    def post(self, path: str, body: object) -> tuple[dict[str, Any], str]:
        """Give the answer and its request id."""
        command = ["curl", "--silent", "--dump-header", "-", "--json", json.dumps(body), f"{self.address}{path}"]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        head, _, answer = shown.partition("\n\n") if "\r\n" not in shown else shown.partition("\r\n\r\n")
        (request_id,) = (line.split(": ")[1] for line in head.splitlines() if line.lower().startswith("x-request-id"))
        return json.loads(answer), request_id.strip()


@contextmanager
def running(operator: Operator, *words: str) -> Iterator[Running]:
    command = [*COMMAND, "serve", "--port", "0", "--json", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=operator.environment, text=True
    ) as process:
        service = Running(process)
        try:
            yield service
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            told = process.stderr.read()
            WATCH.show("the log of a service", told)
            service.told += [json.loads(line) for line in told.splitlines()]
    assert process.returncode in {0, -signal.SIGTERM}


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.05)
    return is_so()


def rotate(service: Running, ring: str = "jwt") -> tuple[dict[str, Any], str]:
    """Rotate until it is done: a key that was published just now waits for its window."""
    found: list[tuple[dict[str, Any], str]] = []

    def is_done() -> bool:
        answer = service.post("/api/v1/infisical/rotate", {"rotation_type": ring, "force": True})
        found.append(answer)
        return bool(answer[0]["results"][ring]["outcome"] == "rotated")

    assert within(LONGEST_S, is_done), found[-1]
    return found[-1]


def test_a_rotation_over_http_is_told_with_its_ids_on_standard_error_and_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "journal.log"
    operator = Operator(tmp_path, JOURNAL_LOG_FILE=str(file), JOURNAL_LOG_LEVEL="debug")
    operator.json("init")
    with running(operator) as service:
        answer, request_id = rotate(service)
    result = answer["results"]["jwt"]
    (told,) = (one for one in service.told if one["event"] == "rotation_done" and one["kid"] == result["new_kid"])
    assert (told["level"], told["logger"], told["ring"], told["method"]) == ("info", "journal_keys", "jwt", "api")
    assert (told["request_id"], told["generation"]) == (request_id, result["generation"])
    assert len(told["rotation_id"]) == 32
    assert lines(file) == service.told
    assert file.stat().st_mode & 0o777 == 0o600
    assert any(one["event"] == "service_started" and one["address"] == service.address for one in service.told)
    assert all({"timestamp", "level", "logger", "event"} <= one.keys() for one in service.told)


def test_a_file_that_was_moved_away_is_opened_anew_on_sighup(tmp_path: Path) -> None:
    file, moved = tmp_path / "journal.log", tmp_path / "journal.log.1"
    operator = Operator(tmp_path, JOURNAL_LOG_FILE=str(file))
    operator.json("init")
    with running(operator) as service:
        rotate(service)
        file.rename(moved)
        service.process.send_signal(signal.SIGHUP)
        assert within(LONGEST_S, file.exists)
        before = len(lines(moved))
        rotate(service, "aes")
    assert len(lines(moved)) == before
    assert [one["ring"] for one in lines(file) if one["event"] == "rotation_done"] == ["aes"]
    assert lines(moved) + lines(file) == service.told


def test_a_file_that_cannot_be_opened_is_told_at_the_start(tmp_path: Path) -> None:
    operator = Operator(tmp_path, JOURNAL_LOG_FILE=str(tmp_path / "no" / "journal.log"))
    operator.json("init")
    done = operator.run("serve", "--port", "0")
    assert (done.returncode, done.stdout) == (ExitCode.SETTINGS, b"")
    assert b"JOURNAL_LOG_FILE" in done.stderr
    assert done.stderr.count(b"\n") == 1


async def test_workers_append_to_one_file_and_all_open_it_anew_and_none_is_restarted(
    postgres: PostgresServer, shared_redis: RedisServer, tmp_path: Path
) -> None:
    url = await postgres.empty_database()
    file, moved = tmp_path / "journal.log", tmp_path / "journal.log.1"
    operator = Operator(
        tmp_path,
        JOURNAL_DB_URL_ASYNC=url,
        JOURNAL_REDIS_URL=shared_redis.url,
        JOURNAL_INFISICAL_ENVIRONMENT=url.rpartition("/")[2].replace("_", "-"),
        JOURNAL_LOG_FILE=str(file),
    )
    operator.json("init")
    with running(operator, "--workers", "2") as service:
        before = workers(service.process.pid)
        assert len(before) == 2
        file.rename(moved)
        service.process.send_signal(signal.SIGHUP)
        reopened = within(
            LONGEST_S, lambda: [one["event"] for one in lines(file)].count("log_file_reopened") == 1 + len(before)
        )
        assert reopened, lines(file)
        for pid in (service.process.pid, *before):
            opened = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if is_log(link, file)]
            assert opened == [str(file)]
        assert workers(service.process.pid) == before


def is_log(link: Path, file: Path) -> bool:
    try:
        return str(link.readlink()).startswith(str(file))
    except OSError:
        return False  # closed meanwhile


def workers(pid: int) -> list[int]:
    """The children that serve: of what multiprocessing starts beside them, the command line says so."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
