"""The commands of an operator with the ledger on PostgreSQL, and what its database shows afterwards."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.operator import Operator
from tests.support.postgres_server import PostgresServer, programs

pytestmark = pytest.mark.processes


@pytest.fixture
async def url(postgres: PostgresServer) -> str:
    return await postgres.empty_database()


@pytest.fixture
def operator(url: str, tmp_path: Path) -> Operator:
    return Operator(tmp_path, JOURNAL_DB_URL_ASYNC=url)


@pytest.fixture
def server(url: str, postgres: PostgresServer) -> "Server":
    return Server(postgres, url.rpartition("/")[2])


class Server:
    """What the owner of the database does to it, with PostgreSQL's own programs."""

    def __init__(self, postgres: PostgresServer, database: str) -> None:
        self._address = ["-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres", "-d", database]

    def run(self, program: str, *words: str) -> bytes:
        command = [f"{programs()}/{program}", *self._address, *words]
        return subprocess.run(command, capture_output=True, check=True).stdout


def test_rings_are_made_rotated_and_audited_and_the_dump_holds_no_secret(operator: Operator, server: Server) -> None:
    operator.json("init")
    assert not list(operator.home.glob("ledger*"))
    time.sleep(0.4)  # W1
    rotated = operator.json("rotate", "both", "--reason", "a test", "--force")
    assert isinstance(rotated, dict)
    assert [one["outcome"] for one in rotated.values()] == ["rotated"] * 2
    operator.json("reconcile")
    operator.json("audit", "verify")
    assert b"already there" in operator.run("init").stdout
    dump = server.run("pg_dump")  # the canaries search the output of every child
    assert b"COPY public.key_versions" in dump


def test_a_ledger_whose_tables_were_lost_is_refused_by_init_and_rebuilt_by_recover(
    operator: Operator, server: Server
) -> None:
    operator.json("init")
    before = operator.json("status")
    server.run("psql", "-c", "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    refused = operator.run("init")
    assert refused.returncode != 0
    assert b"recover" in refused.stderr
    operator.json("recover")
    after = operator.json("status")
    assert kids(before) == kids(after)


def kids(status: Any) -> list[set[str]]:  # noqa: ANN401 (JSON)
    return [{ring["active_kid"], ring["staged_kid"]} for ring in status]
