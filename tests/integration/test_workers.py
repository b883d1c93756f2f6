"""Two processes serve on one socket where PostgreSQL and Redis are at hand; none of them outlives the service."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.operator import COMMAND, Operator
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.processes

LONGEST_S: Final = 120.0


@pytest.fixture
async def operator(postgres: PostgresServer, shared_redis: RedisServer, tmp_path: Path) -> Operator:
    url = await postgres.empty_database()
    made = Operator(tmp_path, JOURNAL_DB_URL_ASYNC=url, JOURNAL_REDIS_URL=shared_redis.url)
    made.environment["JOURNAL_INFISICAL_ENVIRONMENT"] = url.rpartition("/")[2].replace("_", "-")
    made.environment["JOURNAL_INFISICAL_CACHE_TTL"] = "5"
    made.json("init")
    return made


class Service:
    """A running service."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        self.address = json.loads(process.stdout.readline())["serves_on"]

    def get(self, path: str, *words: str) -> Any:  # noqa: ANN401 (JSON)
        return json.loads(self.text(path, *words))

    def text(self, path: str, *words: str) -> str:
        command = ["curl", "--silent", "--fail", "--retry", "5", "--retry-all-errors", *words, f"{self.address}{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def figures(self, name: str) -> dict[str, float]:
        """The samples of this name, by their labels, as whichever worker is asked gives them."""
        families = text_string_to_metric_families(self.text("/metrics"))
        found = [sample for family in families for sample in family.samples if sample.name == name]
        return {",".join(sample.labels.values()): sample.value for sample in found}

    def shown_of(self) -> set[int]:
        """Of which processes gauges are shown."""
        return {int(labels.split(",")[0]) for labels in self.figures("journal_keys_aes_encryptions")}

    def workers(self) -> set[int]:
        """The processes that serve: children that hold the listening socket, and not the resource tracker."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}

    def health(self) -> str:
        return str(self.get("/api/v1/infisical/health")["overall_status"])

    def kids(self) -> set[str]:
        return {key["kid"] for key in self.get("/.well-known/jwks.json")["keys"]}


@contextmanager
def serving(operator: Operator, *words: str) -> Iterator[Service]:
    command = [*COMMAND, "serve", "--port", "0", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=operator.environment, text=True) as process:
        try:
            yield Service(process)
        finally:
            process.kill()


def wait_until(holds: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < ends_s
        time.sleep(0.1)


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def figures_folder(worker: int) -> Path:
    environment = Path(f"/proc/{worker}/environ").read_text().split("\0")
    return Path(next(text.partition("=")[2] for text in environment if text.startswith("PROMETHEUS_MULTIPROC_DIR=")))


def test_two_workers_serve_rotate_and_are_replaced_and_none_is_left(operator: Operator) -> None:
    with serving(operator) as service:
        first = service.workers()
        assert len(first) == 2
        assert service.health() == "healthy"
        before = service.kids()
        wait_until(lambda: service.shown_of() == first)
        body = ("-H", "Content-Type: application/json", "-d", '{"rotation_type": "jwt", "force": true}')
        assert service.get("/api/v1/infisical/rotate", *body)["status"] in {"done", "waiting"}
        wait_until(lambda: all(service.kids() > before for _ in range(8)))
        assert [service.figures("jwt_key_rotation_total") for _ in range(8)] == [{"api": 1.0}] * 8
        victim = min(first)
        subprocess.run(["kill", "-KILL", str(victim)], check=True)
        wait_until(lambda: len(service.workers()) == 2 and victim not in service.workers())
        assert {service.health() for _ in range(8)} == {"healthy"}
        second = service.workers()
        wait_until(lambda: service.shown_of() == second)
        assert [service.figures("jwt_key_rotation_total") for _ in range(8)] == [{"api": 1.0}] * 8
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(service.workers()) == 2 and not service.workers() & second)
        assert service.health() == "healthy"
        last = service.workers()
        folder = figures_folder(min(last))
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(LONGEST_S) == 0
        assert all(is_gone(worker) for worker in first | second | last)
        assert not folder.exists()


def test_workers_end_when_the_service_is_killed(operator: Operator) -> None:
    with serving(operator, "--workers", "3") as service:
        workers = service.workers()
        assert len(workers) == 3
        (folder,) = {figures_folder(worker) for worker in workers}
        assert any(folder.iterdir())
        service.process.kill()
        wait_until(lambda: all(is_gone(worker) for worker in workers))
        assert not folder.exists()


def test_one_that_cannot_start_says_why_and_announces_nothing(operator: Operator) -> None:
    done = operator.run(
        "serve", "--port", "0", changes={"JOURNAL_DB_URL_ASYNC": "postgresql://nobody@127.0.0.1:1/none"}
    )
    assert (done.returncode, done.stdout) == (ExitCode.LEDGER, b"")
