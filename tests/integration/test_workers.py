"""Two processes serve on one socket where PostgreSQL and Redis are at hand; none of them outlives the service."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.crowd import Answer, Crowd
from tests.support.operator import COMMAND, Operator
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.processes

LONGEST_S: Final = 120.0
STOPS_S: Final = 15.0
"""Three times as long as a service may take to stop."""

JWKS: Final = "/.well-known/jwks.json"
ROTATE: Final = "/api/v1/infisical/rotate"


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
        return {",".join(sample.labels.values()): sample.value for sample in self.samples(name)}

    def samples(self, name: str) -> list[Sample]:
        """The same with the names of labels."""
        families = text_string_to_metric_families(self.text("/metrics"))
        return [sample for family in families for sample in family.samples if sample.name == name]

    def shown_of(self, name: str = "journal_keys_aes_encryptions") -> set[int]:
        """Of which processes a gauge is shown."""
        return {int(sample.labels["pid"]) for sample in self.samples(name)}

    def workers(self) -> set[int]:
        """The processes that serve: children that hold the listening socket, and not the resource tracker."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}

    def health(self) -> str:
        return str(self.get("/api/v1/infisical/health")["overall_status"])

    def kids(self) -> set[str]:
        return {key["kid"] for key in self.get(JWKS)["keys"]}

    def family(self) -> set[int]:
        """This process and all that descend from it."""
        found, new = set[int](), {self.process.pid}
        while new:
            found |= new
            tasks = [task for pid in new for task in Path(f"/proc/{pid}/task").iterdir()]
            new = {int(child) for task in tasks for child in (task / "children").read_text("ascii").split()} - found
        return found


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
        assert service.get(ROTATE, *body)["status"] in {"done", "waiting"}
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


def test_each_worker_shows_what_it_knows_of_views_ledger_audit_trail_and_store(operator: Operator) -> None:
    with serving(operator) as service:
        workers = service.workers()
        for name in (
            "ring_generation",
            "view_max_age_seconds",
            "ledger_ring_generation",
            "rotation_waiting_since_timestamp_seconds",
            "instances_behind",
            "audit_broken",
            "audit_whole_timestamp_seconds",
            "store_breaker_open",
            "aes_encryptions_limit",
        ):
            wait_until(lambda name=name: service.shown_of(f"journal_keys_{name}") == workers)  # type: ignore[misc]
        victim = min(workers)
        subprocess.run(["kill", "-KILL", str(victim)], check=True)
        wait_until(lambda: victim not in service.shown_of("journal_keys_audit_broken"))


def test_workers_end_when_the_service_is_killed(operator: Operator) -> None:
    with serving(operator, "--workers", "3") as service:
        workers = service.workers()
        assert len(workers) == 3
        (folder,) = {figures_folder(worker) for worker in workers}
        assert any(folder.iterdir())
        service.process.kill()
        wait_until(lambda: all(is_gone(worker) for worker in workers))
        assert not folder.exists()


@pytest.fixture
def ledger(operator: Operator) -> str:
    """The ledger's database."""
    return operator.environment["JOURNAL_DB_URL_ASYNC"].rpartition("/")[2]


@contextmanager
def stopped(service: Service) -> Iterator[None]:
    """Stop one of the workers in the midst of whatever it does."""
    worker = min(service.workers())
    subprocess.run(["kill", "-STOP", str(worker)], check=True)
    yield


Hindrance: TypeAlias = Callable[[PostgresServer, str, Service], AbstractContextManager[None]]
HINDRANCES: Final[dict[str, tuple[Hindrance, tuple[str, ...]]]] = {
    "nothing else": (lambda *_: nullcontext(), ()),
    "a ledger that says nothing": (lambda postgres, _database, _service: postgres.frozen(), ()),
    "a ledger that is locked": (lambda postgres, database, _service: postgres.locked("ledger_clock", database), ()),
    "a worker that stands still": (lambda _postgres, _database, service: stopped(service), ()),
    "a ledger that says nothing to one process": (
        lambda postgres, _database, _service: postgres.frozen(),
        ("--workers", "1"),
    ),
}


@pytest.mark.parametrize(("hindrance", "words"), HINDRANCES.values(), ids=HINDRANCES)
def test_it_stops_soon_beside_load_half_a_request_and(
    operator: Operator, postgres: PostgresServer, ledger: str, hindrance: Hindrance, words: tuple[str, ...]
) -> None:
    with serving(operator, *words) as service, Crowd(service.address) as crowd:
        family, before = service.family(), service.kids()
        folders = {figures_folder(worker) for worker in service.workers()}
        crowd.keep_asking(JWKS, clients=16)
        crowd.say_half(ROTATE)
        wait_until(lambda: len(crowd.answers) > 100)
        with hindrance(postgres, ledger, service):
            for _ in range(4):
                crowd.post(ROTATE, {"rotation_type": "jwt", "force": True})
            time.sleep(0.2)
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(STOPS_S) in {0, -signal.SIGTERM}
            wait_until(lambda: all(is_gone(process) for process in family))
    assert [answer for answer in crowd.answers if not is_right(answer, before)] == []
    assert not any(folder.exists() for folder in folders)


def is_right(answer: Answer, kids: set[str]) -> bool:
    """Whether it is as documented; no key is gone from a set of keys."""
    if not answer.kind.endswith("json"):
        return False
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return True
    if answer.target == ROTATE:
        return (answer.status, answer.body["status"]) in {(HTTPStatus.OK, "done"), (HTTPStatus.ACCEPTED, "waiting")}
    return answer.status == HTTPStatus.OK and kids <= {key["kid"] for key in answer.body["keys"]}


def test_one_that_cannot_start_says_why_and_announces_nothing(operator: Operator) -> None:
    done = operator.run(
        "serve", "--port", "0", changes={"JOURNAL_DB_URL_ASYNC": "postgresql://nobody@127.0.0.1:1/none"}
    )
    assert (done.returncode, done.stdout) == (ExitCode.LEDGER, b"")
