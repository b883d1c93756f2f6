"""The commands of an operator with the ledger on PostgreSQL, and what its database shows afterwards."""

import asyncio
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Rotated
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.settings import ClosedSettings
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
    return [{ring["active_kid"], ring["staged_kid"]} for ring in status["rings"]]


async def report(url: str, name: str, generation: int) -> None:
    """What an instance says of itself that refreshes no more."""
    async with ledger_engine(url) as engine:
        ledger = SqlLedger(engine, SystemClock(), timedelta(seconds=1))
        await ledger.report(name, dict.fromkeys(Family, generation), expires_in=timedelta(minutes=5))


def client_settings(operator: Operator, url: str, **changes: float) -> ClosedSettings:
    return ClosedSettings.model_validate(
        {
            "journal_keys_home": operator.home,
            "journal_db_url_async": url,
            "journal_instance_name": "app-1",
            **changes,
        }
    )


async def names(url: str) -> list[str]:
    async with ledger_engine(url) as engine:
        return [one.name for one in await SqlLedger(engine, SystemClock(), timedelta(seconds=1)).instances()]


async def test_an_instance_that_is_behind_is_shown_holds_rotations_back_and_can_be_ignored(
    operator: Operator, url: str
) -> None:
    operator.json("init")
    time.sleep(0.4)  # W1
    await report(url, "stuck-1", 0)
    waiting = operator.json("rotate", "jwt", "--force", "--rotation-id", "r1", code=ExitCode.WAITING)
    assert isinstance(waiting, dict)
    assert waiting["jwt"]["because"].startswith("instance stuck-1 holds generation 0 of 1 since ")
    status: Any = operator.json("status")
    assert [text.split(" since ")[0] for text in status["rings"][0]["held_back_by"]] == [
        "instance stuck-1 holds generation 0 of 2"
    ]
    assert status["answers"][4]["says"].startswith("No: 1 of 1 live instances does not hold generation 2 of jwt and")
    assert [one["name"] for one in status["instances"]] == ["stuck-1"]
    refused = operator.run("rotate", "jwt", "--force", "--ignore-instance", "stuck-2")
    assert refused.returncode == ExitCode.REFUSED
    assert b"no live instance is named 'stuck-2'; live are: stuck-1" in refused.stderr
    done: Any = operator.json("rotate", "jwt", "--force", "--rotation-id", "r1", "--ignore-instance", "stuck-1")
    assert done["jwt"]["outcome"] == "rotated"
    trail: Any = operator.json("audit", "list")
    told = [entry["fact"] for entry in trail if entry["fact"]["action"] == "instance_ignored"]
    assert [entry["detail"]["instance"] for entry in told] == ["stuck-1"]


async def test_clients_of_one_process_under_one_name_are_instances_of_their_own(operator: Operator, url: str) -> None:
    operator.json("init")
    settings = client_settings(operator, url, journal_ledger_poll=0.05)
    async with asyncio.timeout(30), InfisicalSecretsClient(settings):
        async with InfisicalSecretsClient(settings):
            while await names(url) != ["app-1", "app-1.2"]:  # noqa: ASYNC110 (the clients' own tasks bring it about)
                await asyncio.sleep(0.05)
        assert await names(url) == ["app-1"]


async def test_a_client_says_what_it_holds_holds_nobody_back_for_long_and_leaves(operator: Operator, url: str) -> None:
    operator.json("init")
    settings = client_settings(
        operator,
        url,
        journal_jwks_max_age=0.2,
        journal_infisical_cache_ttl=0.2,
        journal_sign_max_stale=60,
        journal_ledger_poll=0.05,
    )
    async with InfisicalSecretsClient(settings) as client, InfisicalKeyManager(client=client) as manager:
        before = (await manager.get_current_signing_key()).kid
        async with asyncio.timeout(30):
            while await names(url) != ["app-1"]:  # noqa: ASYNC110 (the client's own task brings it about)
                await asyncio.sleep(0.05)
            while not isinstance((await manager.rotate_keys(force=True))[Family.JWT], Rotated):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await manager.get_current_signing_key()).kid != before
    assert await names(url) == []
