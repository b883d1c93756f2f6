"""Tokens of the admin plane as an operator makes them, and a service that asks for them."""

import pytest

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.http.doors import KEYS
from tests.support.operator import Operator
from tests.support.service import serving, status

pytestmark = pytest.mark.processes


def test_the_first_start_makes_a_token_and_shows_it_once(operator: Operator) -> None:
    with serving(operator) as served:
        token, address = served.announced["admin_token"], served.address
        forwarded = ("--header", "X-Forwarded-For: 203.0.113.7")
        assert status(address + KEYS, *forwarded, token=token) == "200"
        assert status(address + KEYS, *forwarded) == "403"
        assert status(address + KEYS) == "200"
    assert not any(token in line for line in served.logged)
    file = operator.home / "admin-tokens.json"
    assert token not in file.read_text("ascii")
    assert file.stat().st_mode & 0o777 == 0o600
    with serving(operator) as served:
        assert served.announced.keys() == {"serves_on"}
        assert status(served.address + KEYS, token=token) == "200"


def test_another_profile_without_tokens_serves_and_says_that_nobody_is_let_in(operator: Operator) -> None:
    operator.environment["JOURNAL_KEYS_PROFILE"] = "standard"
    with serving(operator) as served:
        assert served.announced.keys() == {"serves_on"}
        assert status(served.address + KEYS) == "403"
    assert any("admin_plane_off" in line for line in served.logged)
    assert not (operator.home / "admin-tokens.json").exists()
    assert operator.run("admin-token", "list").returncode == ExitCode.SETTINGS


def test_an_operator_adds_lists_and_removes_tokens_beside_a_running_service(operator: Operator) -> None:
    operator.environment["JOURNAL_KEYS_PROFILE"] = "standard"
    operator.environment["JOURNAL_ADMIN_TOKENS_FILE"] = str(operator.home / "tokens.json")
    with serving(operator) as served:
        address = served.address
        made = operator.json("admin-token", "add", "watch", "--scope", "read", "--scope", "rotate")
        assert isinstance(made, dict)
        assert status(address + KEYS, token=made["token"]) == "200"
        assert operator.json("admin-token", "list") == [{"name": "watch", "scopes": ["read", "rotate"]}]
        assert operator.run("admin-token", "add", "watch", "--scope", "read").returncode == ExitCode.REFUSED
        assert operator.run("admin-token", "remove", "watch").returncode == 0
        assert status(address + KEYS, token=made["token"]) == "401"
    assert operator.run("admin-token", "remove", "watch").returncode == ExitCode.REFUSED
    assert operator.run("admin-token", "add", "Watch", "--scope", "read").returncode == ExitCode.REFUSED
    assert operator.run("admin-token", "add", "watch").returncode == ExitCode.USAGE
    assert operator.run("admin-token", "add", "watch", "--scope", "destroy").returncode == ExitCode.USAGE


def test_a_home_that_cannot_be_written_is_served_without_a_token(operator: Operator) -> None:
    (operator.home / ".admin-tokens.json.lock").mkdir()
    with serving(operator) as served:
        assert served.announced.keys() == {"serves_on"}
        assert status(served.address + KEYS) == "200"
    assert any("no_admin_token" in line for line in served.logged)
