"""The command as an operator runs it, in processes of its own."""

import asyncio
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.sql.schema import REVISIONS
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.support.embedded import settings_in
from tests.support.operator import Operator

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose staged keys are ready."""
    made = Operator(tmp_path_factory.mktemp("first"))
    done = made.run("init")
    assert done.returncode == 0, done.stderr
    time.sleep(0.3)
    return made.home


@pytest.fixture
def operator(tmp_path: Path, first_home: Path) -> Operator:
    made = Operator(tmp_path)
    shutil.copytree(first_home, made.home)
    return made


def test_init_makes_both_rings_once_and_then_says_that_they_are_there(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    first, second = operator.json("init"), operator.json("init")
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    for family in ("jwt", "aes"):
        assert first[family]["outcome"] == "initialised"
        assert second[family]["outcome"] == "already_initialised"
        assert second[family]["active_kid"] == first[family]["active_kid"]
    assert operator.run("init", "--quiet").stdout == b""


READING = [
    ("status",),
    ("keys", "list"),
    ("reconcile",),
    ("audit", "list"),
    ("audit", "verify"),
    ("audit", "head"),
    ("health",),
    ("rotate", "jwt"),
    ("recover",),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_every_command_speaks_json_and_plain_text(operator: Operator, words: tuple[str, ...]) -> None:
    assert operator.json(*words)
    plain = operator.run(*words)
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert plain.stdout


def test_a_rotation_its_repetition_and_its_conflict(operator: Operator) -> None:
    first = operator.json("rotate", "both", "--force", "--rotation-id", "r1", "--reason", "try")
    again = operator.json("rotate", "both", "--force", "--rotation-id", "r1", "--reason", "try")
    assert first == again
    assert isinstance(first, dict)
    assert {result["outcome"] for result in first.values()} == {"rotated"}
    other = operator.run("rotate", "jwt", "--rotation-id", "r1")
    assert other.returncode == ExitCode.RULE
    assert b"'r1'" in other.stderr


def test_a_forced_rotation_before_its_window_waits_and_reconcile_finishes_it(tmp_path: Path) -> None:
    operator = Operator(tmp_path, JOURNAL_JWKS_MAX_AGE="300", JOURNAL_VERIFY_MAX_STALE="300")
    operator.json("init")
    waiting = operator.json("rotate", "jwt", "--force", code=ExitCode.WAITING)
    assert isinstance(waiting, dict)
    assert waiting["jwt"]["outcome"] == "waiting"
    time.sleep(0.3)
    done = Operator(tmp_path).json("reconcile")
    assert isinstance(done, dict)
    assert f"promoted {waiting['jwt']['staged_kid']}" in done["jwt"]["repairs"]


def test_a_pass_over_a_ring_that_fails_repairs_the_other_and_ends_with_its_failure(operator: Operator) -> None:
    settings = settings_in(operator.home.parent)
    for ring in ("jwt/versions/_journal_keys", "aes/active_kid"):
        asyncio.run(_lose(settings, f"/auth/{ring}"))
    told = operator.json("reconcile", code=ExitCode.SECRET_STORE)
    assert isinstance(told, dict)
    assert (told["jwt"]["outcome"], told["aes"]["repairs"]) == ("failed", ["projected 1 names"])
    asyncio.run(_lose(settings, "/auth/aes/active_kid"))
    done = operator.run("reconcile")
    assert done.returncode == ExitCode.SECRET_STORE
    assert done.stdout == b"jwt: failed\naes: projected 1 names\n"
    assert b"/auth/jwt/versions" in done.stderr


async def _lose(settings: Settings, path: str) -> None:
    async with open_container(settings) as container:
        await container.store().delete(SecretPath.parse(path))


def test_a_compromised_key_is_replaced_and_explained(operator: Operator) -> None:
    listed = operator.json("keys", "list")
    assert isinstance(listed, list)
    active = next(key for key in listed if key["family"] == "jwt" and key["state"] == "ACTIVE")
    outcome = operator.json("compromise", active["kid"], "--reason", "seen in a log")
    assert isinstance(outcome, dict)
    assert outcome["outcome"] == "compromised"
    explained = operator.json("keys", "explain", active["kid"])
    assert isinstance(explained, dict)
    assert explained["state"] == "COMPROMISED"
    assert "seen in a log" in explained["because"]


def test_a_compromise_is_told_in_lines_of_plain_fields(operator: Operator) -> None:
    listed = operator.json("keys", "list")
    assert isinstance(listed, list)
    kid = next(key["kid"] for key in listed if key["family"] == "jwt" and key["state"] == "ACTIVE")
    told = operator.run("compromise", kid, "--reason", "found in a log").stdout.decode()
    assert re.search(r"^last token expires at\s+20\d\d-", told, re.MULTILINE)
    assert not set("{}'") & set(told)


def test_a_kept_audit_head_is_found_again_and_a_foreign_one_is_not(operator: Operator) -> None:
    head = operator.run("audit", "head").stdout.decode().strip()
    operator.json("rotate", "jwt", "--force")
    assert operator.run("audit", "verify", "--head", head).returncode == 0
    foreign = head.partition(":")[0] + ":" + "f" * 64
    assert operator.run("audit", "verify", "--head", foreign).returncode == ExitCode.AUDIT_BROKEN


@pytest.mark.parametrize("value", [b"redis://h:6379/0", b" leading and trailing \n\n", "\u00e4\U0001f511".encode()])
def test_a_secret_comes_back_byte_for_byte(operator: Operator, value: bytes) -> None:
    assert operator.run("secrets", "set", "/infrastructure/redis_url", given=value).returncode == 0
    assert operator.run("secrets", "get", "/infrastructure/redis_url").stdout == value
    assert operator.json("secrets", "list", "/infrastructure") == ["/infrastructure/redis_url"]
    assert operator.run("secrets", "delete", "/infrastructure/redis_url").returncode == 0
    assert operator.run("secrets", "get", "/infrastructure/redis_url").returncode == ExitCode.NOT_FOUND


def test_a_secret_from_a_file(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "value").write_bytes(b"from a file")
    assert operator.run("secrets", "set", "/database/db_url_sync", "--file", str(tmp_path / "value")).returncode == 0
    assert operator.json("secrets", "get", "/database/db_url_sync") == {
        "path": "/database/db_url_sync",
        "value": "from a file",
    }


def test_a_terminal_gets_a_secret_only_when_it_is_asked_for(operator: Operator) -> None:
    operator.run("secrets", "set", "/infrastructure/nats_url", given=b"canary-value")
    command = [sys.executable, "-m", "journal_keys", "secrets", "get", "/infrastructure/nats_url"]
    for words, code in (((), ExitCode.REFUSED), (("--show",), ExitCode.DONE)):
        ours, theirs = pty.openpty()
        done = subprocess.run(
            [*command, *words], stdout=theirs, stderr=subprocess.PIPE, env=operator.environment, check=False
        )
        os.close(theirs)
        try:
            shown = os.read(ours, 4096)
        except OSError:
            shown = b""
        os.close(ours)
        assert done.returncode == code
        assert (b"canary-value" in shown) is (code is ExitCode.DONE)


REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "unknown kid": (("keys", "explain", "jwt_nobody"), ExitCode.REFUSED, "jwt_nobody"),
    "malformed kid": (("compromise", "1x", "--reason", "x"), ExitCode.REFUSED, "a kid is"),
    "unknown family": (("rotate", "rsa"), ExitCode.USAGE, "rsa"),
    "relative path": (("secrets", "get", "auth/x"), ExitCode.REFUSED, "absolute"),
    "dotted path": (("secrets", "get", "/auth/../x"), ExitCode.REFUSED, "segment 2"),
    "path in the root": (("secrets", "get", "/x"), ExitCode.REFUSED, "root"),
    "a ring's own path": (("secrets", "delete", "/auth/aes/keys_map"), ExitCode.REFUSED, "belongs to a ring"),
    "empty value": (("secrets", "set", "/infrastructure/nats_url"), ExitCode.REFUSED, "1 to 65536 bytes"),
    "folder of nobody": (("secrets", "list", "/nobody"), ExitCode.SECRET_STORE, "_journal_keys"),
    "malformed head": (("audit", "verify", "--head", "x"), ExitCode.REFUSED, "audit head"),
    "no such command": (("explode",), ExitCode.USAGE, "explode"),
}


@pytest.mark.parametrize(("words", "code", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_input_is_named_and_changes_nothing(
    operator: Operator, words: tuple[str, ...], code: int, named: str
) -> None:
    before = kept_in(operator.home)
    done = operator.run(*words)
    assert done.returncode == code, done.stderr
    assert named in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert kept_in(operator.home) == before


def kept_in(home: Path) -> tuple[list[str], bytes]:
    """Every row of the ledger, its audit trail among them, and the vault."""
    with closing(sqlite3.connect(home / "ledger.sqlite3")) as ledger:
        return list(ledger.iterdump()), (home / "vault.jkv").read_bytes()


def test_an_error_is_one_json_object_where_json_is_wanted(operator: Operator) -> None:
    done = operator.run("keys", "explain", "jwt_nobody", "--json")
    assert json.loads(done.stderr)["error"]["type"] == "UnknownKeyError"
    assert done.stdout == b""


SETTINGS: dict[str, tuple[dict[str, str], str]] = {
    "no number": ({"JOURNAL_LEDGER_POLL": "canary"}, "JOURNAL_LEDGER_POLL"),
    "unknown algorithm": ({"JOURNAL_JWT_ALGORITHM": "canary"}, "JOURNAL_JWT_ALGORITHM"),
    "AES algorithm": ({"JOURNAL_JWT_ALGORITHM": "A256GCM"}, "A256GCM"),
    "Infisical": ({"JOURNAL_INFISICAL_ENABLED": "true"}, "JOURNAL_INFISICAL_ENABLED"),
    "poll over view": ({"JOURNAL_LEDGER_POLL": "5"}, "2|twice"),
    "interval under W1": ({"JOURNAL_JWT_ROTATION_INTERVAL": "0.1"}, r"W1 = .* = verifier view .* \+ poll .* \+ skew"),
    "verifying with no view": (
        {"JOURNAL_VERIFY_MAX_STALE": "0"},
        r"JOURNAL_VERIFY_MAX_STALE is 0 s, less than 0.2 s = the larger of JWKS max-age 0.2 s and view TTL 0.2 s",
    ),
    "signing less than a view lives": ({"JOURNAL_SIGN_MAX_STALE": "0.1"}, "0.1 s .*0.2 s ends.*JOURNAL_SIGN_MAX_STALE"),
    "signing longer than verifying": (
        {"JOURNAL_SIGN_MAX_STALE": "61"},
        "JOURNAL_SIGN_MAX_STALE is 61 s, more than JOURNAL_VERIFY_MAX_STALE 60 s",
    ),
    "reconciling all the time": ({"JOURNAL_RECONCILE_INTERVAL": "0"}, "JOURNAL_RECONCILE_INTERVAL.*0.1"),
    "no home": ({"JOURNAL_KEYS_HOME": ""}, "JOURNAL_KEYS_HOME.*is empty: expected a folder"),
    "figures nowhere": ({"PROMETHEUS_MULTIPROC_DIR": "/no/such"}, "PROMETHEUS_MULTIPROC_DIR.*is no folder"),
    "figures in no folder": ({"PROMETHEUS_MULTIPROC_DIR": ""}, "PROMETHEUS_MULTIPROC_DIR.*is empty"),
    "too many keys": ({"JOURNAL_JWT_LONGEST_TOKEN": "1000000"}, r"W2 = .* \+ longest token 1e\+06 s"),
}


@pytest.mark.parametrize(("changes", "named"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_bad_setting_stops_the_start_and_is_named(operator: Operator, changes: dict[str, str], named: str) -> None:
    done = operator.run("status", changes=changes)
    assert done.returncode == ExitCode.SETTINGS, done.stderr
    assert re.search(named, done.stderr.decode())
    assert b"canary" not in done.stderr


def test_a_lost_vault_is_refused_and_never_made_again(operator: Operator) -> None:
    shutil.move(operator.home / "vault.jkv", operator.home / "elsewhere")
    for words in (("rotate", "jwt", "--force"), ("reconcile",), ("init",)):
        done = operator.run(*words)
        assert done.returncode == ExitCode.SECRET_STORE, done.stderr
        assert b"restore it" in done.stderr
    assert not (operator.home / "vault.jkv").exists()


def test_a_lost_ledger_is_refused_by_init_and_rebuilt_by_recover(operator: Operator) -> None:
    before = operator.json("keys", "list")
    for file in operator.home.glob("ledger.sqlite3*"):
        file.unlink()
    assert operator.run("status").returncode == ExitCode.LEDGER
    left = names_in(operator.home)
    refused = operator.run("init")
    assert refused.returncode == ExitCode.RULE
    assert b"journal-keys recover" in refused.stderr
    assert names_in(operator.home) == left
    rebuilt = operator.json("recover")
    assert isinstance(rebuilt, dict)
    assert {result["outcome"] for result in rebuilt.values()} == {"recovered"}
    assert isinstance(before, list)
    after = operator.json("keys", "list")
    assert isinstance(after, list)
    assert {key["kid"]: key["digest"] for key in after} == {key["kid"]: key["digest"] for key in before}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_first_start_with_a_malformed_master_key_makes_nothing(tmp_path: Path) -> None:
    operator = Operator(tmp_path, JOURNAL_KEYS_VAULT_MASTER_KEY="canary")
    done = operator.run("init")
    assert (done.returncode, operator.home.exists()) == (ExitCode.SECRET_STORE, False)
    assert b"JOURNAL_KEYS_VAULT_MASTER_KEY holds no master key: expected 32 bytes as base64url" in done.stderr
    assert b"canary" not in done.stderr


@pytest.mark.parametrize(
    "words", [("rotate", "both", "--force"), ("secrets", "set", "/a/b"), ("reconcile",)], ids=" ".join
)
def test_a_read_only_home_is_refused_with_the_way_out_and_nothing_is_lost(
    operator: Operator, words: tuple[str, ...]
) -> None:
    kept = {path.name: path.read_bytes() for path in operator.home.iterdir()}
    operator.home.chmod(0o500)
    try:
        done = operator.run(*words, given=b"value")
    finally:
        operator.home.chmod(0o700)
    assert done.returncode in {ExitCode.LEDGER, ExitCode.SECRET_STORE}, done.stderr
    assert b"this user" in done.stderr or b"the user whose file it is" in done.stderr
    assert {path.name: path.read_bytes() for path in operator.home.iterdir()} == kept
    assert operator.json("audit", "verify")


def test_a_first_start_in_a_folder_that_is_read_only_names_it(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    done = Operator(tmp_path / "locked").run("init")
    assert done.returncode == ExitCode.LEDGER
    assert b"cannot be made: expected a folder that this user may write to" in done.stderr


def test_the_ledger_is_upgraded_by_a_command_where_there_is_one(operator: Operator, tmp_path: Path) -> None:
    oldest, newest = REVISIONS[0], REVISIONS[-1]
    assert operator.json("ledger", "upgrade") == {"schema_before": newest, "schema_now": newest}
    with closing(sqlite3.connect(operator.home / "ledger.sqlite3")) as ledger, ledger:
        later = ("clock_marks", "instances", "webhook_deliveries", "webhook_secrets", "replies")
        ledger.executescript("".join(f"DROP TABLE {name};" for name in later))
        ledger.execute("ALTER TABLE key_versions DROP COLUMN derived_kid")
        ledger.execute("UPDATE alembic_version SET version_num = '0001'")
    refused = operator.run("status")
    assert (refused.returncode, b"run 'journal-keys ledger upgrade'" in refused.stderr) == (ExitCode.LEDGER, True)
    assert operator.json("ledger", "upgrade") == {"schema_before": oldest, "schema_now": newest}
    assert operator.run("status").returncode == 0
    none = Operator(tmp_path / "other")
    done = none.run("ledger", "upgrade")
    assert (done.returncode, none.home.exists()) == (ExitCode.LEDGER, False)
    assert b"run 'journal-keys init'" in done.stderr


def test_a_damaged_vault_and_a_wrong_master_key_are_two_answers(operator: Operator) -> None:
    wrong = operator.run("reconcile", changes={"JOURNAL_KEYS_VAULT_MASTER_KEY": "x" * 42 + "A"})
    assert wrong.returncode == ExitCode.SECRET_STORE
    assert b"another master key" in wrong.stderr
    data = bytearray((operator.home / "vault.jkv").read_bytes())
    data[-1] ^= 1
    (operator.home / "vault.jkv").write_bytes(bytes(data))
    damaged = operator.run("reconcile")
    assert damaged.returncode == ExitCode.SECRET_STORE
    assert b"was changed after it was sealed" in damaged.stderr


def test_health_of_rings_that_were_never_made_has_its_own_code(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    assert operator.run("health").returncode == ExitCode.LEDGER


def test_importing_the_package_and_asking_for_help_load_no_framework() -> None:
    heavy = ["fastapi", "sqlalchemy", "dependency_injector", "cryptography", "pydantic", "journal_keys.container"]
    for statement in ("import journal_keys", "import journal_keys.entrypoints.cli.main"):
        code = f"{statement}; import sys; print([name for name in {heavy!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
        assert done.stdout.strip() == "[]"


async def test_a_clock_set_back_a_year_stops_changes_until_an_operator_accepts_it(operator: Operator) -> None:
    next_year = ManualClock(datetime.now(UTC) + timedelta(days=365))
    async with ledger_engine(f"sqlite+aiosqlite:///{operator.home / 'ledger.sqlite3'}") as engine:
        await SqlLedger(engine, next_year, timedelta(0)).accept_clock(actor="test", reason="its clock was wrong")
    for words in (("rotate", "jwt", "--force"), ("reconcile",), ("status",)):
        done = operator.run(*words)
        assert done.returncode == ExitCode.CLOCK, done.stderr
        assert b"--accept-clock" in done.stderr
    assert operator.run("reconcile", "--accept-clock", "--reason", "the clock is right now").returncode == 0
    time.sleep(0.3)  # the staged key waits for W1 once more, from what the clock says now
    outcome = operator.json("rotate", "jwt", "--force")
    assert isinstance(outcome, dict)
    assert outcome["jwt"]["outcome"] == "rotated"
    audited = operator.json("audit", "list")
    assert isinstance(audited, list)
    assert "the clock is right now" in {entry["fact"]["reason"] for entry in audited}
    assert operator.run("audit", "verify").returncode == 0
