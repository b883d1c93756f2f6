"""`journal-keys doctor --checklist` as an operator runs it: with vault, with Infisical, with Redis, and in trouble."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from journal_keys.entrypoints.checklist.lines import LINES
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.infisical.server import InfisicalServer
from tests.support.operator import Operator
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.processes
CANARY = "canary-of-the-checklist-0123456789"
BACKUP = "backup procedures tested"
SEALED = "backup encryption verified"
CHAIN = "audit chain verifies"
REDIS = "Redis cache available"
VARIABLES = "no secrets in environment variables"


def checked(
    operator: Operator, code: int, changes: Mapping[str, str] | None = None, *, told: frozenset[str] = frozenset()
) -> dict[str, dict[str, str]]:
    """The answers, by their lines; `told` are the events that the log has beside them."""
    done = operator.run("doctor", "--checklist", "--json", changes=changes)
    assert done.returncode == code, done.stdout + done.stderr
    assert {json.loads(line)["event"] for line in done.stderr.splitlines()} == told
    answers = json.loads(done.stdout)
    assert [(one["checklist"], one["line"]) for one in answers] == [(line.checklist, line.text) for line in LINES]
    return {one["line"]: one for one in answers}


def failed(answers: Mapping[str, Mapping[str, str]]) -> set[str]:
    return {line for line, answer in answers.items() if answer["status"] == "failed"}


def backed_up(operator: Operator) -> Path:
    assert operator.run("backup", "create").returncode == 0
    return max((operator.home / "backups").glob("backup-*.age"))


def test_before_init_every_line_is_answered_and_nothing_is_made(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    answers = checked(operator, ExitCode.UNHEALTHY)
    assert "run 'journal-keys init'" in answers["health check returns healthy"]["found"]
    assert not operator.home.exists()


def test_after_init_only_the_backup_is_to_be_mended(operator: Operator) -> None:
    kept = {file.name: file.read_bytes() for file in operator.home.iterdir()}
    answers = checked(operator, ExitCode.UNHEALTHY)
    assert failed(answers) == {BACKUP}
    assert "backup create" in answers[BACKUP]["cure"]
    assert answers["health check returns healthy"]["status"] == "ok"
    assert answers["key rotation works"]["status"] == "by hand"
    assert answers["webhook signatures verified"]["status"] == "ok"
    assert answers["Infisical CLI 0.42.1 installed"]["status"] == "not needed"
    assert {file.name: file.read_bytes() for file in operator.home.iterdir()} == kept


def test_a_fresh_backup_is_opened_and_one_of_before_a_rotation_is_too_old(operator: Operator) -> None:
    backed_up(operator)
    answers = checked(operator, ExitCode.DONE)
    assert (answers[BACKUP]["status"], answers[SEALED]["status"]) == ("ok", "ok")
    assert operator.run("rotate", "both", "--force").returncode in {ExitCode.DONE, ExitCode.WAITING}
    assert operator.run("reconcile").returncode == 0
    answers = checked(operator, ExitCode.UNHEALTHY)
    assert failed(answers) == {BACKUP}
    assert "is older than" in answers[BACKUP]["found"]
    assert "last rotations: aes at" in answers["key rotation works"]["found"]
    backed_up(operator)
    assert checked(operator, ExitCode.DONE)[BACKUP]["status"] == "ok"


def test_a_damaged_backup_fails_the_lines_on_backups(operator: Operator) -> None:
    file = backed_up(operator)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    answers = checked(operator, ExitCode.UNHEALTHY)
    assert failed(answers) == {BACKUP, SEALED}
    assert file.name in answers[BACKUP]["found"]


def test_a_backup_whose_identity_is_elsewhere_is_left_to_people(operator: Operator) -> None:
    backed_up(operator)
    (operator.home / "backup-identity.txt").unlink()
    answers = checked(operator, ExitCode.DONE)
    assert (answers[BACKUP]["status"], answers[SEALED]["status"]) == ("by hand", "ok")


def test_a_broken_audit_chain_fails_its_line(operator: Operator) -> None:
    backed_up(operator)
    with closing(sqlite3.connect(operator.home / "ledger.sqlite3")) as ledger, ledger:
        triggers = ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        ledger.executescript("".join(f"DROP TRIGGER {name};" for (name,) in triggers))
        ledger.execute("UPDATE audit SET reason = 'another' WHERE sequence = 2")
    answers = checked(operator, ExitCode.UNHEALTHY)
    assert failed(answers) == {CHAIN}
    assert "entry 2" in answers[CHAIN]["found"]


@pytest.mark.parametrize("name", ["JOURNAL_JWT_SECRET", "AUTH_ENC_KEYS", "JOURNAL_INFISICAL_WEBHOOK_SECRET"])
def test_a_secret_in_a_variable_is_named_and_never_shown(operator: Operator, name: str) -> None:
    backed_up(operator)
    answers = checked(operator, ExitCode.UNHEALTHY, {name: CANARY})
    assert failed(answers) == {VARIABLES}
    assert name in answers[VARIABLES]["found"]
    assert CANARY not in repr(answers)


def test_people_are_told_line_by_line_and_how_many_of_each(operator: Operator) -> None:
    done = operator.run("doctor", "--checklist")
    shown = done.stdout.decode()
    assert done.returncode == ExitCode.UNHEALTHY
    assert [line for line in shown.splitlines() if line.endswith(" checklist")] == [
        "deployment checklist",
        "testing checklist",
        "security audit checklist",
    ]
    assert f"failed     {BACKUP}\n" in shown
    assert "           cure: run 'journal-keys backup create'" in shown
    assert "1 failed" in shown.splitlines()[-1]


def test_redis_that_answers_is_ok_and_one_that_does_not_has_failed(operator: Operator, own_redis: RedisServer) -> None:
    backed_up(operator)
    changes = {"JOURNAL_REDIS_URL": own_redis.url}
    answers = checked(operator, ExitCode.DONE, changes)
    assert (answers[REDIS]["status"], answers["cache encryption enabled"]["status"]) == ("ok", "ok")
    own_redis.freeze()
    answers = checked(operator, ExitCode.UNHEALTHY, changes, told=frozenset({"redis_away"}))
    own_redis.thaw()
    assert failed(answers) == {REDIS}
    assert "timed_out" in answers[REDIS]["found"]
    own_redis.stop()
    answers = checked(operator, ExitCode.UNHEALTHY, changes, told=frozenset({"redis_away"}))
    assert failed(answers) == {REDIS}
    assert "unreachable" in answers[REDIS]["found"]


@pytest.fixture
def server() -> Iterator[InfisicalServer]:
    with InfisicalServer() as made:
        yield made


@pytest.fixture
def of_infisical(tmp_path: Path, server: InfisicalServer, binary: Path) -> Operator:
    hook, secret = tmp_path / "hook", tmp_path / "secret"
    hook.write_text(CANARY, "ascii")
    secret.write_text(server.owner.client_secret, "ascii")
    return Operator(
        tmp_path,
        JOURNAL_INFISICAL_ENABLED="true",
        JOURNAL_INFISICAL_SERVER_URL=server.url,
        JOURNAL_INFISICAL_PROJECT_ID=server.project_id,
        JOURNAL_INFISICAL_CLI_PATH=str(binary),
        JOURNAL_INFISICAL_REQUESTS_PER_MINUTE="100000",
        JOURNAL_INFISICAL_WEBHOOK_SECRET_FILE=str(hook),
        INFISICAL_UNIVERSAL_AUTH_CLIENT_ID=server.owner.client_id,
        INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET_FILE=str(secret),
    )


def test_with_infisical_its_lines_are_checked_and_the_probe_is_gone(
    of_infisical: Operator, server: InfisicalServer
) -> None:
    operator = of_infisical
    assert operator.run("init").returncode == 0
    backed_up(operator)
    answers = checked(operator, ExitCode.DONE)
    assert "0.42" in answers["Infisical CLI 0.42.1 installed"]["found"]
    assert "was written, read back and deleted" in answers["machine identity token configured"]["found"]
    assert answers["network connectivity to the Infisical server"]["status"] == "ok"
    assert answers["webhook endpoint accessible"]["status"] == "by hand"
    assert server.folder("/journal_keys_doctor") == {}
    assert CANARY not in repr(answers)
    assert server.owner.client_secret not in repr(answers)
    refused = checked(
        operator,
        ExitCode.UNHEALTHY,
        {"INFISICAL_UNIVERSAL_AUTH_CLIENT_ID": "nobody"},
        told=frozenset({"store_login_refused"}),
    )
    assert "machine identity token configured" in failed(refused)
    assert "Infisical CLI 0.42.1 installed" not in failed(refused)


def test_incomplete_settings_of_infisical_fail_their_lines_only(operator: Operator) -> None:
    answers = checked(operator, ExitCode.UNHEALTHY, {"JOURNAL_INFISICAL_ENABLED": "true"})
    assert "INFISICAL_TOKEN" in answers["machine identity token configured"]["found"]
    assert answers[VARIABLES]["status"] == "ok"


def test_without_the_flag_doctor_is_about_infisical(operator: Operator) -> None:
    done: subprocess.CompletedProcess[bytes] = operator.run("doctor")
    assert done.returncode == ExitCode.SETTINGS
    assert b"--checklist" in done.stderr
