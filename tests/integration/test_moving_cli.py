"""The commands that move keys in and out, as an operator meets them: codes, JSON, files, typed kids, hostile input."""

import json
import os
import pty
import sqlite3
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support import an_app
from tests.support.backups import OURS
from tests.support.operator import COMMAND, Operator

pytestmark = pytest.mark.processes


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path, JOURNAL_JWT_LONGEST_TOKEN="500")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "app.env"
    file.write_text(an_app.env_file(an_app.variables()), encoding="utf-8")
    yield file
    file.unlink()


def fields(found: object) -> dict[str, str]:
    assert isinstance(found, dict)
    return found


def entries(found: object) -> list[dict[str, str]]:
    assert isinstance(found, list)
    return found


def migrated(operator: Operator, source: Path) -> dict[str, str]:
    return fields(operator.json("migration", "migrate", "--from-file", str(source)))


def test_looking_makes_nothing(operator: Operator, source: Path) -> None:
    named = ("--from-file", str(source))
    checks = entries(operator.json("migration", "check-prerequisites", *named))
    assert {one["check"]: bool(one["ok"]) for one in checks} == {
        "source": True,
        "store and ledger": True,
        "plan": True,
        "backup folder": True,
        "recipients": True,
    }
    steps = [one["step"] for one in entries(operator.json("migration", "migrate", "--dry-run", *named))]
    assert steps == ["copy"] * 5 + ["make"] * 2
    states = {one["state"] for one in entries(operator.json("migration", "status", *named))}
    assert states == {"missing", "absent"}
    assert not operator.home.exists()


def test_prerequisites_that_are_lacking_have_a_code(operator: Operator, source: Path, tmp_path: Path) -> None:
    none = tmp_path / "none.env"
    none.write_text("OTHER=1\n", encoding="utf-8")
    for changes, words in (
        ({"JOURNAL_KEYS_PROFILE": "standard"}, ("--from-file", str(source))),
        ({"JOURNAL_BACKUP_FOLDER": "/proc/none"}, ("--from-file", str(source))),
        ({"AUTH_ENC_KEYS": "{}"}, ()),
        ({}, ("--from-file", str(none))),
        ({}, ("--from-file", str(tmp_path / "absent"))),
    ):
        done = operator.run("migration", "check-prerequisites", *words, changes=changes)
        assert done.returncode == ExitCode.UNHEALTHY, (changes, done.stdout, done.stderr)
        assert b"FAILED" in done.stdout


def test_the_environment_itself_is_the_source_where_no_file_is_named(operator: Operator) -> None:
    done = operator.run("migration", "migrate", "--json", changes=an_app.variables())
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["proved"] == 4
    assert [line["step"] for line in told["plan"]] == ["copy"] * 5 + ["make"] * 2
    for secret in (an_app.SECRET, an_app.NATS_URL):
        assert secret.encode() not in done.stdout


@pytest.mark.parametrize("form", [(), ("--dry-run",), ("--backup-only",)], ids=["migrate", "dry run", "backup only"])
def test_nothing_is_not_moved_in(operator: Operator, tmp_path: Path, form: tuple[str, ...]) -> None:
    other = tmp_path / "other.env"
    other.write_text("OTHER=1\n", encoding="utf-8")
    for words in (("--from-file", str(other)), ()):
        done = operator.run("migration", "migrate", *form, *words)
        assert done.returncode == ExitCode.REFUSED
        assert b"none of the map's variables is set" in done.stderr
    assert not operator.home.exists()


def test_a_lost_pre_image_is_given_up_by_name_only(operator: Operator, source: Path) -> None:
    words = ("migration", "migrate", "--from-file", str(source))
    migrated(operator, source)
    with closing(sqlite3.connect(operator.home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("DELETE FROM audit WHERE action = 'migration_completed'")
    for file in operator.home.glob("backups/migration-*"):
        file.unlink()
    assert operator.run(*words).returncode == ExitCode.BACKUP
    assert operator.run("migration", "check-prerequisites", "--from-file", str(source)).returncode == ExitCode.UNHEALTHY
    assert operator.run(*words, "--new-pre-image").returncode == 0
    assert fields(operator.json(*words))["outcome"] == "nothing_to_migrate"


def test_a_conflict_has_its_code_shows_the_plan_and_makes_nothing(operator: Operator) -> None:
    changes = {**an_app.variables(), "JOURNAL_JWT_SECRET": "short"}
    dry = operator.run("migration", "migrate", "--dry-run", changes=changes)
    assert dry.returncode == ExitCode.CONFLICT
    assert b"JOURNAL_JWT_SECRET\ta ring\tconflict" in dry.stdout
    done = operator.run("migration", "migrate", changes=changes)
    assert done.returncode == ExitCode.CONFLICT
    assert without_fingerprints(done.stdout) == without_fingerprints(dry.stdout)
    in_json = operator.run("migration", "migrate", "--json", changes=changes)
    assert in_json.returncode == ExitCode.CONFLICT
    assert {line["step"] for line in json.loads(in_json.stdout)} == {"copy", "conflict", "make"}
    assert not operator.home.exists()
    kept = operator.run("migration", "migrate", "--keep", "JOURNAL_JWT_SECRET", changes=changes)
    assert kept.returncode == 0, kept.stderr


def without_fingerprints(plan: bytes) -> list[list[bytes]]:
    """The cells of a plan that are the same in each run."""
    return [[*cells[:3], *cells[5:]] for line in plan.splitlines() if (cells := line.split(b"\t"))]


def test_outside_the_embedded_profile_somebody_has_to_be_named(operator: Operator, source: Path) -> None:
    standard = {"JOURNAL_KEYS_PROFILE": "standard", "JOURNAL_JWT_LONGEST_TOKEN": "1209600", "JOURNAL_CLOCK_SKEW": "60"}
    words = ("migration", "migrate", "--from-file", str(source))
    refused = operator.run(*words, changes=standard)
    assert refused.returncode == ExitCode.SETTINGS
    assert b"JOURNAL_BACKUP_RECIPIENTS" in refused.stderr
    done = operator.run(*words, "--recipient", OURS.recipient, changes=standard)
    assert done.returncode == 0, done.stderr
    assert not (operator.home / "backup-identity.txt").exists()


def test_backup_only_seals_and_makes_nothing_else(operator: Operator, source: Path) -> None:
    named = ("--from-file", str(source))
    made = fields(operator.json("migration", "migrate", "--backup-only", *named))
    assert {file.name for file in operator.home.iterdir()} == {"backups", "backup-identity.txt"}
    migrated(operator, source)
    operator.json("migration", "rollback", made["file"], *named)
    assert operator.json("keys", "list") == []
    assert operator.run("migration", "migrate", "--backup-only", "--dry-run", *named).returncode == ExitCode.USAGE


def test_what_is_refused_makes_nothing(operator: Operator, source: Path) -> None:
    words = ("migration", "migrate", "--from-file", str(source))
    for more, changes in (
        (("--recipient", "garbage"), {}),
        (("--reason", ""), {}),
        ((), {"JOURNAL_BACKUP_RECIPIENTS": "garbage"}),
    ):
        assert operator.run(*words, *more, changes=changes).returncode == ExitCode.REFUSED
        assert not operator.home.joinpath("ledger.sqlite3").exists()
    checked = operator.run("migration", "check-prerequisites", "--from-file", str(source), changes=changes)
    assert checked.returncode == ExitCode.UNHEALTHY


def test_a_rollback_without_the_environment_gives_up_nothing(operator: Operator, source: Path) -> None:
    place = migrated(operator, source)["pre_image"]
    done = operator.run("migration", "rollback", place)
    assert done.returncode == ExitCode.RULE
    assert b"k2024" in done.stderr or b"jwt_" in done.stderr


def test_files_are_private_and_opened_by_the_identity_in_the_home_or_a_passphrase(
    operator: Operator, source: Path, tmp_path: Path
) -> None:
    migrated(operator, source)
    made = Path(fields(operator.json("backup", "create"))["place"])
    identity = operator.home / "backup-identity.txt"
    for file in (made, identity):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
    report = fields(operator.json("backup", "verify", made.name))
    assert set(fields(report["rings"])) == {"jwt", "aes"}
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase\n", encoding="ascii")
    passphrase.chmod(0o600)
    locked = fields(operator.json("backup", "create", "--passphrase-file", str(passphrase)))["place"]
    operator.json("backup", "verify", locked, "--passphrase-file", str(passphrase))
    assert operator.run("backup", "verify", locked).returncode == ExitCode.BACKUP
    passphrase.chmod(0o644)
    assert operator.run("backup", "verify", locked, "--passphrase-file", str(passphrase)).returncode == ExitCode.BACKUP
    listed = {one["name"]: one["sealed_for"] for one in entries(operator.json("backup", "list"))}
    assert listed[Path(locked).name] == "passphrase"
    assert len(listed) == 3


def test_a_damaged_backup_changes_nothing_not_even_an_empty_home(
    operator: Operator, source: Path, tmp_path: Path
) -> None:
    migrated(operator, source)
    made = Path(fields(operator.json("backup", "create", "--include-signing-keys"))["place"])
    other = Operator(tmp_path / "other")
    identity = str(operator.home / "backup-identity.txt")
    damaged = tmp_path / "damaged.age"
    sealed = made.read_bytes()
    fifo, link = tmp_path / "fifo.age", tmp_path / "link.age"
    os.mkfifo(fifo)
    link.symlink_to(made)
    for data in (sealed[:-1], sealed[:50], b"", sealed[:200] + bytes([sealed[200] ^ 1]) + sealed[201:]):
        damaged.write_bytes(data)
        damaged.chmod(0o600)
        for check in ((), ("--check",)):
            done = other.run("restore", str(damaged), "--identity", identity, *check)
            assert done.returncode == ExitCode.BACKUP, done.stderr
    for place in (fifo, link, tmp_path, tmp_path / "absent"):
        done = other.run("restore", str(place), "--identity", identity)
        assert done.returncode == ExitCode.BACKUP, (place, done.stderr)
    assert not other.home.exists()
    damaged.write_bytes(sealed)
    other.json("restore", str(damaged), "--identity", identity)
    assert [one["kid"] for one in entries(other.json("keys", "list"))] == [
        one["kid"] for one in entries(operator.json("keys", "list"))
    ]


def test_a_restore_over_rings_is_refused(operator: Operator, source: Path) -> None:
    migrated(operator, source)
    made = fields(operator.json("backup", "create"))["place"]
    done = operator.run("restore", made)
    assert done.returncode == ExitCode.RULE
    assert b"never overwrites" in done.stderr


def test_a_clock_that_a_restore_accepted_is_audited_with_it(operator: Operator, source: Path, tmp_path: Path) -> None:
    migrated(operator, source)
    made = fields(operator.json("backup", "create", "--include-signing-keys"))["place"]
    other = Operator(tmp_path / "other")
    other.json("restore", made, "--accept-clock", "--identity", str(operator.home / "backup-identity.txt"))
    told = other.run("audit", "list", "--json").stdout
    assert (b'"ledger_restored"' in told, b'"clock": "accepted"' in told) == (True, True), told


def old_aes_kid(operator: Operator) -> str:
    rows = entries(operator.json("keys", "list"))
    return next(one["kid"] for one in rows if one["family"] == "aes" and one["state"] == "DEACTIVATED")


def test_a_key_is_destroyed_with_evidence_a_backup_and_its_kid_typed_again(
    operator: Operator, source: Path, tmp_path: Path
) -> None:
    migrated(operator, source)
    kid = old_aes_kid(operator)
    assert kid == "k2023"
    made = fields(operator.json("backup", "create"))["place"]
    texts = tmp_path / "ciphertexts"
    texts.write_text(f"{an_app.made()['rows'][1]}\n\n", encoding="ascii")
    words = ("keys", "destroy", kid, "--ciphertexts", str(texts))
    time.sleep(0.5)  # an instance may encrypt with it until its view has to be confirmed
    assert operator.run(*words, "--confirm", kid).returncode == ExitCode.RULE
    assert operator.run(*words, "--backup", made, "--no-backup", "--confirm", kid).returncode == ExitCode.USAGE
    wrong = operator.run(*words, "--backup", made, given=b"k2024\n")
    assert wrong.returncode == ExitCode.REFUSED, wrong.stderr
    assert old_aes_kid(operator) == kid
    done = operator.run(*words, "--backup", made, given=b"k2023\n")
    assert done.returncode == 0, done.stderr
    states = {one["kid"]: one["state"] for one in entries(operator.json("keys", "list"))}
    assert states[kid] == "DESTROYED"
    assert fields(operator.json("keys", "destroy", kid, "--confirm", kid, "--no-backup"))["already"]
    nobody = operator.run("keys", "destroy", "k2024", "--no-backup")
    assert (nobody.returncode, b"--confirm" in nobody.stderr) == (ExitCode.REFUSED, True)


def test_a_key_that_ciphertexts_name_is_not_destroyed_but_by_who_answers_for_it(
    operator: Operator, source: Path, tmp_path: Path
) -> None:
    migrated(operator, source)
    texts = tmp_path / "ciphertexts"
    texts.write_text("\n".join(an_app.made()["rows"]), encoding="ascii")
    words = ("keys", "destroy", "k2023", "--confirm", "k2023", "--no-backup", "--ciphertexts")
    refused = operator.run(*words, str(texts))
    assert refused.returncode == ExitCode.RULE
    assert b"rewrap" in refused.stderr
    assert operator.run(*words, str(tmp_path / "absent")).returncode == ExitCode.REFUSED
    done = fields(operator.json(*words, str(texts), "--override", "ticket 7, Ada"))
    assert done["grounds"] == "overridden: ticket 7, Ada"


def test_a_terminal_sees_how_far_it_is(operator: Operator, source: Path) -> None:
    leader, follower = pty.openpty()
    command = [*COMMAND, "migration", "migrate", "--from-file", str(source)]
    with subprocess.Popen(
        command, env={**operator.environment, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=follower
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        assert process.wait() == 0
    os.close(leader)
    assert b"reading what the keys made before" in shown or b"taking keys in" in shown
    assert b"Traceback" not in shown


@pytest.mark.parametrize("delay_s", [0.45, 0.6, 0.75, 0.9, 1.1])
def test_a_migration_that_is_killed_is_completed_by_the_same_command(
    operator: Operator, source: Path, delay_s: float
) -> None:
    command = [*COMMAND, "migration", "migrate", "--from-file", str(source)]
    with subprocess.Popen(
        command, env=operator.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:
            process.kill()
    operator.json("migration", "migrate", "--from-file", str(source))
    again = fields(operator.json("migration", "migrate", "--from-file", str(source)))
    assert again["outcome"] == "nothing_to_migrate"
    kids = {one["kid"]: one["state"] for one in entries(operator.json("keys", "list"))}
    assert (kids["k2024"], kids["k2023"]) == ("ACTIVE", "DEACTIVATED")
    assert operator.run("audit", "verify").returncode == 0
