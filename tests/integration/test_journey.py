"""From an application with environment keys only to rings that survive the loss of everything, and back."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from journal_keys.adapters.embedded.vault import open_vault
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.paths import KNOWN_SECRETS
from tests.support import an_app
from tests.support.embedded import QUICK
from tests.support.infisical.programs import stand_in
from tests.support.infisical.server import InfisicalServer
from tests.support.operator import Operator, bare_environment
from tests.support.postgres_server import PostgresServer

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
FOLDERS = (
    *("/auth/jwt", "/auth/jwt/versions", "/auth/jwt/compromised"),
    *("/auth/aes", "/auth/aes/versions", "/auth/aes/compromised"),
    *sorted({str(path.folder) for path in KNOWN_SECRETS if path.segments[0] != "auth"}),
    "/auth/webhooks",
)
CHECK = f"env JOURNAL_INFISICAL_CACHE_TTL=60 {sys.executable} -m tests.support.an_app check"
"""Its view outlasts a busy machine's pauses, whatever the windows of who rotates are."""
AFTER = (
    "migrate --from-file app.env\n",
    "journal-keys reconcile\n",
    'restore "$JOURNAL_KEYS_HOME"/backups/backup-*.age\n',
)
"""The lines of the journey behind which everything made before has to be good."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A folder with the application's variables and works, and the environment of who moves in."""
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-m", "tests.support.an_app", "make"], env=_environment(), check=True)
    yield {**_environment(), **QUICK, "JOURNAL_KEYS_HOME": str(tmp_path / "home"), "JOURNAL_JWT_LONGEST_TOKEN": "500"}
    Path("app.env").unlink()  # the application's own: what holds its keys in clear afterwards would be ours


def _environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**bare_environment(), "PATH": path, "PYTHONPATH": str(ROOT)}


def test_the_journey_of_the_readme_works_on_the_embedded_store(home: dict[str, str], tmp_path: Path) -> None:
    (script,) = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    for line in AFTER:
        assert script.count(line) == 1, line
        script = script.replace(line, f"{line}{CHECK}\n")
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, env=home, capture_output=True, check=False, text=True)
    assert done.returncode == 0, (done.stdout[-3000:], done.stderr)
    for secret in (an_app.SECRET, an_app.NATS_URL, "PRIVATE KEY"):
        assert secret not in done.stdout + done.stderr
    vault = open_vault(tmp_path / "second-copy" / "vault.jkv", SystemEntropy(), master=None)
    assert vault._read() == {}  # noqa: SLF001 (all that is in it)
    assert "rolled_back" in done.stdout
    left = subprocess.run(
        ["journal-keys", "keys", "list"],
        env={**home, "JOURNAL_KEYS_HOME": str(tmp_path / "second-copy")},
        capture_output=True,
        check=True,
    )
    assert left.stdout == b""


@pytest.fixture
def servers() -> Iterator[tuple[InfisicalServer, InfisicalServer]]:
    """The one that is lost, and an empty one."""
    with InfisicalServer() as first, InfisicalServer() as second:
        yield first, second


def operator_of(folder: Path, server: InfisicalServer, binary: Path, **changes: str) -> Operator:
    return Operator(
        folder,
        **changes,
        JOURNAL_INFISICAL_ENABLED="true",
        JOURNAL_INFISICAL_SERVER_URL=server.url,
        JOURNAL_INFISICAL_PROJECT_ID=server.project_id,
        JOURNAL_INFISICAL_CLI_PATH=str(binary),
        JOURNAL_INFISICAL_REQUESTS_PER_MINUTE="100000",
        JOURNAL_JWT_LONGEST_TOKEN="500",
        JOURNAL_BACKUP_FOLDER=str(folder / "backups"),
        JOURNAL_BACKUP_IDENTITY_FILE=str(folder / "identity.txt"),
        INFISICAL_UNIVERSAL_AUTH_CLIENT_ID=server.owner.client_id,
        INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET=server.owner.client_secret,
    )


def check(operator: Operator) -> None:
    """Read what was made before, in a process of its own."""
    environment = {**operator.environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(CHECK.split(), env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def all_of(server: InfisicalServer) -> dict[str, dict[str, str]]:
    return {folder: server.folder(folder) for folder in FOLDERS}


@pytest.mark.usefixtures("home")
def test_the_journey_works_on_infisical(
    servers: tuple[InfisicalServer, InfisicalServer], binary: Path, tmp_path: Path
) -> None:
    first, second = servers
    operator = operator_of(tmp_path, first, binary)
    source = ("--from-file", "app.env")
    operator.json("migration", "check-prerequisites", *source)
    operator.json("migration", "migrate", "--dry-run", *source)
    assert all_of(first) == {folder: {} for folder in FOLDERS}
    moved = operator.json("migration", "migrate", *source)
    assert isinstance(moved, dict)
    check(operator)
    told = operator.json("migration", "status", *source)
    assert isinstance(told, list)
    assert {one["variable"] for one in told if one["removable"]} == set(an_app.variables())
    done = operator.run("rotate", "both", "--force")
    assert done.returncode in {0, 3}
    operator.json("reconcile")
    check(operator)
    backup = operator.json("backup", "create", "--include-signing-keys")
    assert isinstance(backup, dict)
    lines = {folder: first.folder(f"/auth/{folder}/versions") for folder in ("jwt", "aes")}

    for file in operator.home.glob("ledger.sqlite3*"):
        file.unlink()
    operator = operator_of(tmp_path, second, binary)
    operator.json("restore", str(backup["place"]), "--check")
    restored = operator.json("restore", str(backup["place"]))
    assert isinstance(restored, dict)
    assert {folder: second.folder(f"/auth/{folder}/versions") for folder in ("jwt", "aes")} == lines
    check(operator)
    assert operator.run("audit", "verify").returncode == 0


@pytest.mark.usefixtures("home")
def test_a_migration_to_infisical_is_rolled_back_byte_for_byte(
    servers: tuple[InfisicalServer, InfisicalServer], binary: Path, tmp_path: Path
) -> None:
    server, _ = servers
    server.seed("/infrastructure", {"nats_url": "nats://another", "otlp_endpoint": "http://otlp"})
    server.seed("/auth/aes", {"keys_map": '{"a": "what an older integration left"}', "active_kid": "a"})
    before = all_of(server)
    operator = operator_of(tmp_path, server, binary)
    assert operator.run("migration", "migrate", "--from-file", "app.env").returncode == 16
    assert all_of(server) == before
    named = ["--overwrite", "JOURNAL_NATS_URL"]
    refused = operator.run("migration", "migrate", "--from-file", "app.env", *named)
    assert refused.returncode == 16
    assert b"/auth/aes/keys_map" in refused.stderr
    assert all_of(server) == before
    named += ["--overwrite", "/auth/aes/keys_map", "--overwrite", "/auth/aes/active_kid"]
    moved = operator.json("migration", "migrate", "--from-file", "app.env", *named)
    assert isinstance(moved, dict)
    assert server.folder("/infrastructure")["nats_url"] == an_app.NATS_URL
    check(operator)
    operator.json("migration", "rollback", str(moved["pre_image"]), "--from-file", "app.env")
    assert all_of(server) == before
    assert operator.json("keys", "list") == []


@pytest.mark.usefixtures("home")
def test_the_journey_works_with_a_ledger_on_postgresql(
    servers: tuple[InfisicalServer, InfisicalServer], tmp_path: Path, postgres: PostgresServer
) -> None:
    lost, other, third = (asyncio.run(postgres.database()) for _ in range(3))
    (first, second), standin = servers, stand_in(tmp_path)
    source = ("--from-file", "app.env")
    operator = operator_of(tmp_path, first, standin, JOURNAL_DB_URL_ASYNC=lost)
    operator.json("migration", "migrate", *source)
    check(operator)
    backup = operator.json("backup", "create", "--include-signing-keys")
    assert isinstance(backup, dict)
    restored = operator_of(tmp_path, second, standin, JOURNAL_DB_URL_ASYNC=other)
    restored.json("restore", str(backup["place"]))
    check(restored)
    assert restored.run("audit", "verify").returncode == 0
    with InfisicalServer() as empty:
        copy = operator_of(tmp_path, empty, standin, JOURNAL_DB_URL_ASYNC=third)
        before = all_of(empty)
        moved = copy.json("migration", "migrate", *source)
        assert isinstance(moved, dict)
        copy.json("migration", "rollback", str(moved["pre_image"]), *source)
        assert all_of(empty) == before
        assert copy.json("keys", "list") == []


def test_rings_of_others_read_nothing_of_it(home: dict[str, str]) -> None:
    """So the check can fail."""
    subprocess.run(["journal-keys", "init"], env=home, check=True, capture_output=True)
    done = subprocess.run(CHECK.split(), env=home, capture_output=True, check=False, text=True)
    assert done.returncode != 0
    assert "TokenRefusedError" in done.stderr
