"""The service says where it serves once it does, and otherwise what is wrong, with the code of that."""

import json
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.operator import COMMAND, Operator

pytestmark = pytest.mark.processes


def lose_home(home: Path) -> None:
    shutil.rmtree(home)


def lose_vault(home: Path) -> None:
    (home / "vault.jkv").unlink()


def damage_vault(home: Path) -> None:
    data = bytearray((home / "vault.jkv").read_bytes())
    data[-1] ^= 1
    (home / "vault.jkv").write_bytes(bytes(data))


def damage_ledger(home: Path) -> None:
    for beside in ("-wal", "-shm"):
        (home / f"ledger.sqlite3{beside}").unlink(missing_ok=True)
    (home / "ledger.sqlite3").write_bytes(b"no database" * 1000)


def newer_schema(home: Path) -> None:
    with closing(sqlite3.connect(home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '9999'")


def nothing_wrong(_home: Path) -> None:
    return


UNUSABLE: dict[str, tuple[Callable[[Path], None], dict[str, str], ExitCode, str]] = {
    "nothing there": (lose_home, {}, ExitCode.LEDGER, "run 'journal-keys init'"),
    "vault lost": (lose_vault, {}, ExitCode.SECRET_STORE, "vault.jkv"),
    "vault damaged": (damage_vault, {}, ExitCode.SECRET_STORE, "was changed after it was sealed"),
    "another master key": (
        nothing_wrong,
        {"JOURNAL_KEYS_VAULT_MASTER_KEY": "x" * 42 + "A"},
        ExitCode.SECRET_STORE,
        "another master key",
    ),
    "ledger damaged": (damage_ledger, {}, ExitCode.LEDGER, "no SQLite file"),
    "newer schema": (newer_schema, {}, ExitCode.LEDGER, "9999 is newer"),
    "contradicting settings": (nothing_wrong, {"JOURNAL_LEDGER_POLL": "5"}, ExitCode.SETTINGS, "twice the poll"),
}


@pytest.mark.parametrize(("spoil", "changes", "code", "named"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_service_that_cannot_start_announces_nothing_and_says_why_in_one_line(
    operator: Operator, spoil: Callable[[Path], None], changes: dict[str, str], code: ExitCode, named: str
) -> None:
    spoil(operator.home)
    done = operator.run("serve", "--port", "0", changes=changes)
    assert (done.returncode, done.stdout) == (code, b""), done.stderr
    assert named in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


async def test_a_service_whose_clock_was_set_back_does_not_start(operator: Operator) -> None:
    next_year = ManualClock(datetime.now(UTC) + timedelta(days=365))
    async with ledger_engine(f"sqlite+aiosqlite:///{operator.home / 'ledger.sqlite3'}") as engine:
        await SqlLedger(engine, next_year, timedelta(0)).accept_clock(actor="test", reason="its clock was wrong")
    done = operator.run("serve", "--port", "0")
    assert (done.returncode, done.stdout) == (ExitCode.CLOCK, b""), done.stderr
    assert b"--accept-clock" in done.stderr


def test_a_started_service_says_where_in_one_json_object_where_that_is_wanted(operator: Operator) -> None:
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--json"], stdout=subprocess.PIPE, env=operator.environment, text=True
    ) as service:
        assert service.stdout is not None
        told = json.loads(service.stdout.readline())
        done = subprocess.run(
            ["curl", "--silent", "--fail", f"{told['serves_on']}/api/v1/infisical/health"],
            check=True,
            capture_output=True,
        )
        assert json.loads(done.stdout)["overall_status"] == "healthy"
        service.send_signal(signal.SIGTERM)
        assert service.stdout.read() == ""
