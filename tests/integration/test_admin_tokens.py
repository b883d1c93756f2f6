"""Tokens of the admin plane as an operator makes them, and a service that asks for them."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.http.doors import KEYS
from tests.support.operator import COMMAND, Operator

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Operator(tmp_path_factory.mktemp("first"))
    assert made.run("init").returncode == 0
    return made.home


@pytest.fixture
def operator(tmp_path: Path, first_home: Path) -> Operator:
    made = Operator(tmp_path)
    shutil.copytree(first_home, made.home)
    return made


@contextmanager
def serving(operator: Operator) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """What the service announces; once it has ended, also what it logged."""
    logged: list[str] = []
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=operator.environment,
        text=True,
    ) as service:
        assert service.stdout is not None
        assert service.stderr is not None
        line = service.stdout.readline()
        try:
            yield json.loads(line), logged
        finally:
            service.send_signal(signal.SIGTERM)
            logged += service.stderr.readlines()


def status(address: str, token: str | None = None, *more: str) -> str:
    """The status of a look at the keys; the token goes through standard input, not the command line."""
    given = f'header = "Authorization: Bearer {token}"' if token else ""
    url = address + KEYS
    done = subprocess.run(
        ["curl", "--silent", "--config", "-", *more, "--output", "/dev/null", "--write-out", "%{http_code}", url],
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_first_start_makes_a_token_and_shows_it_once(operator: Operator) -> None:
    with serving(operator) as (told, logged):
        token, address = told["admin_token"], told["serves_on"]
        assert status(address, token, "--header", "X-Forwarded-For: 203.0.113.7") == "200"
        assert status(address, None, "--header", "X-Forwarded-For: 203.0.113.7") == "403"
        assert status(address) == "200"
    assert not any(token in line for line in logged)
    file = operator.home / "admin-tokens.json"
    assert token not in file.read_text("ascii")
    assert file.stat().st_mode & 0o777 == 0o600
    with serving(operator) as (told, _):
        assert told.keys() == {"serves_on"}
        assert status(told["serves_on"], token) == "200"


def test_another_profile_without_tokens_serves_and_says_that_nobody_is_let_in(operator: Operator) -> None:
    operator.environment["JOURNAL_KEYS_PROFILE"] = "standard"
    with serving(operator) as (told, logged):
        assert told.keys() == {"serves_on"}
        assert status(told["serves_on"]) == "403"
    assert any("admin_plane_off" in line for line in logged)
    assert not (operator.home / "admin-tokens.json").exists()
    assert operator.run("admin-token", "list").returncode == ExitCode.SETTINGS


def test_an_operator_adds_lists_and_removes_tokens_beside_a_running_service(operator: Operator) -> None:
    operator.environment["JOURNAL_KEYS_PROFILE"] = "standard"
    operator.environment["JOURNAL_ADMIN_TOKENS_FILE"] = str(operator.home / "tokens.json")
    with serving(operator) as (told, _):
        address = told["serves_on"]
        made = operator.json("admin-token", "add", "watch", "--scope", "read", "--scope", "rotate")
        assert isinstance(made, dict)
        assert status(address, made["token"]) == "200"
        assert operator.json("admin-token", "list") == [{"name": "watch", "scopes": ["read", "rotate"]}]
        assert operator.run("admin-token", "add", "watch", "--scope", "read").returncode == ExitCode.REFUSED
        assert operator.run("admin-token", "remove", "watch").returncode == 0
        assert status(address, made["token"]) == "401"
    assert operator.run("admin-token", "remove", "watch").returncode == ExitCode.REFUSED
    assert operator.run("admin-token", "add", "Watch", "--scope", "read").returncode == ExitCode.REFUSED
    assert operator.run("admin-token", "add", "watch").returncode == ExitCode.USAGE
    assert operator.run("admin-token", "add", "watch", "--scope", "destroy").returncode == ExitCode.USAGE


def test_a_home_that_cannot_be_written_is_served_without_a_token(operator: Operator) -> None:
    (operator.home / ".admin-tokens.json.lock").mkdir()
    with serving(operator) as (told, logged):
        assert told.keys() == {"serves_on"}
        assert status(told["serves_on"]) == "200"
    assert any("no_admin_token" in line for line in logged)
