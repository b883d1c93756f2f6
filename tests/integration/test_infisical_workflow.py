"""The whole life of both rings with their keys in Infisical: made, used, rotated, killed, lost, recovered."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Self

import pytest

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.entrypoints.settings import Settings
from tests.support.infisical.eras import Era
from tests.support.infisical.server import InfisicalServer
from tests.support.operator import COMMAND, Operator

pytestmark = pytest.mark.processes


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[InfisicalServer]:
    with InfisicalServer(era=getattr(request, "param", Era.NEWEST)) as made:
        yield made


@pytest.fixture
def operator(tmp_path: Path, server: InfisicalServer, binary: Path) -> Operator:
    return Operator(
        tmp_path,
        JOURNAL_INFISICAL_ENABLED="true",
        JOURNAL_INFISICAL_SERVER_URL=server.url,
        JOURNAL_INFISICAL_PROJECT_ID=server.project_id,
        JOURNAL_INFISICAL_CLI_PATH=str(binary),
        JOURNAL_INFISICAL_REQUESTS_PER_MINUTE="100000",
        JOURNAL_JWT_LONGEST_TOKEN="600",
        JOURNAL_LOG_LEVEL="DEBUG",
        INFISICAL_UNIVERSAL_AUTH_CLIENT_ID=server.owner.client_id,
        INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET=server.owner.client_secret,
    )


@pytest.fixture
def settings(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in operator.environment.items():
        if name != "PATH":
            monkeypatch.setenv(name, value)
    return Settings.from_environment()


class Service:
    """`journal-keys serve` in a process."""

    def __init__(self, operator: Operator) -> None:
        command = [*COMMAND, "serve", "--port", "0", "--json"]
        self.process = subprocess.Popen(
            command, env=operator.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["serves_on"]

    def get(self, path: str) -> dict[str, object]:
        """Ask as clients do: again where views are a moment too old, as they easily are at a fifth of a second."""
        for _ in range(100):
            try:
                with urllib.request.urlopen(self.url + path) as answer:  # noqa: S310 (our own address)
                    body: dict[str, object] = json.load(answer)
                    return body
            except urllib.error.HTTPError as busy:
                if busy.code != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
                busy.close()
                time.sleep(0.1)
        raise AssertionError(f"{path} is never served")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.communicate()


def kids(operator: Operator) -> dict[str, str]:
    found = operator.json("status")
    assert isinstance(found, dict)
    return {row["ring"]: row["active_kid"] for row in found["rings"]}


async def written(settings: Settings) -> tuple[str, str]:
    async with InfisicalSecretsClient(settings) as client, InfisicalKeyManager(client=client) as keys:
        token = (await keys.signer()).sign({"sub": "x"})
        return token, (await keys.get_token_cipher()).encrypt("kept", context=b"c")


async def read(settings: Settings, token: str, ciphertext: str) -> tuple[object, str]:
    async with InfisicalSecretsClient(settings) as client, InfisicalKeyManager(client=client) as keys:
        return (await keys.verify(token))["sub"], (await keys.get_token_cipher()).decrypt(ciphertext, context=b"c")


@pytest.mark.parametrize("server", list(Era), ids=[era.name.lower() for era in Era], indirect=True)
def test_keys_in_infisical_are_made_used_rotated_and_survive_a_kill_and_the_loss_of_the_ledger(
    operator: Operator, server: InfisicalServer, settings: Settings
) -> None:
    assert operator.run("doctor").returncode == 0
    assert isinstance(operator.json("init"), dict)
    first = kids(operator)
    token, ciphertext = asyncio.run(written(settings))
    time.sleep(0.3)

    operator.json("rotate", "both", "--force")
    second = kids(operator)
    assert not set(first.values()) & set(second.values())
    assert asyncio.run(read(settings, token, ciphertext)) == ("x", "kept")
    assert server.folder("/auth/aes")["active_kid"] == second["aes"]
    assert "PRIVATE KEY" in server.folder("/auth/jwt")["current_private_key"]

    with Service(operator) as service:
        assert service.get("/api/v1/infisical/health")["overall_status"] == "healthy"
        service.end(signal.SIGKILL)
    with Service(operator) as service:
        shown = service.get("/.well-known/jwks.json")["keys"]
        assert isinstance(shown, list)
        assert {first["jwt"], second["jwt"]} <= {key["kid"] for key in shown}
        service.end(signal.SIGTERM)

    for file in operator.home.glob("ledger.sqlite3*"):
        file.unlink()
    assert operator.run("init").returncode == 5
    operator.json("recover")
    held = {family: set(server.folder(f"/auth/{family}/versions")) for family in ("jwt", "aes")}
    assert all(kid in held[family] for family, kid in kids(operator).items())
    assert asyncio.run(read(settings, token, ciphertext)) == ("x", "kept")


def test_secrets_of_the_application_are_set_listed_read_and_deleted(
    operator: Operator, server: InfisicalServer
) -> None:
    operator.json("init")
    hard = "  @x ${Y} \u00e4\U0001f511\n\n"
    operator.json("secrets", "set", "test_secret", given=hard.encode())
    operator.json("secrets", "set", "db_url_async", given=b"postgresql://u:p@h/d")
    assert operator.run("secrets", "get", "test_secret").stdout == hard.encode()
    assert server.folder("/database")["db_url_async"] == "postgresql://u:p@h/d"
    listed = operator.json("secrets", "list")
    assert isinstance(listed, list)
    assert {"/application/test_secret", "/database/db_url_async", "/auth/aes/active_kid"} <= set(listed)
    operator.json("secrets", "delete", "test_secret")
    assert operator.run("secrets", "get", "test_secret").returncode == 11


def test_the_make_targets_do_what_they_say(operator: Operator, server: InfisicalServer) -> None:
    root = Path(__file__).parents[2]
    environment = {
        **operator.environment,
        "PATH": f"{Path(sys.executable).parent}:{operator.environment['PATH']}",
        "MAKEFLAGS": "",
    }

    def make(*words: str) -> str:
        done = subprocess.run(
            ["make", "--no-print-directory", "-o", ".venv/.ready", f"BIN={Path(sys.executable).parent}", *words],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    assert "write" in make("infisical-dev-setup")
    time.sleep(0.3)
    assert "healthy" in make("infisical-health")
    for target in ("infisical-rotate-jwt", "infisical-rotate-aes"):
        assert "rotated" in make(target)
    time.sleep(0.3)
    assert make("infisical-rotate-all").count("rotated") == 2
    make("infisical-secrets-set", "SECRET_NAME=test_secret", "SECRET_VALUE=a $(HOME) 'value'".replace("$", "$$"))
    assert server.folder("/application")["test_secret"] == "a $(HOME) 'value'"
    assert make("infisical-secrets-get", "SECRET_NAME=test_secret") == "a $(HOME) 'value'"
    assert "/application/test_secret" in make("infisical-secrets-list")
    environment["JOURNAL_NATS_URL"] = "nats://moved:4222"
    assert "migrated" in make("infisical-migrate")
    assert server.folder("/infrastructure")["nats_url"] == "nats://moved:4222"
    with Service(operator) as service:
        cleared = make("infisical-cache-clear", f"PORT={service.url.rsplit(':', 1)[1]}")
    assert json.loads(cleared) == {"invalidated": 0}
