"""Restarts in an outage of ledger and store: on files, over the façade, the service and the Infisical stand-in."""

import asyncio
import json
import logging
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import text

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.schema import HEAD
from journal_keys.domain import base64url
from journal_keys.domain.errors import KeyUnavailableError, ViewStaleError
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.snapshot import SnapshotError, SnapshotTooOldError
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.ports.ledger import LedgerAbsentError, LedgerSchemaError
from journal_keys.ports.meter import Source
from journal_keys.ports.secret_store import SecretStoreError, SecretStoreUnavailableError
from journal_keys.ports.snapshot_store import (
    SnapshotDamagedError,
    SnapshotDeniedError,
    SnapshotForeignError,
    SnapshotKeyError,
)
from journal_keys.use_cases.check_health import HealthStatus
from tests.support.canary.entropy import WatchedEntropy
from tests.support.embedded import make_rings, settings_in
from tests.support.infisical.misdeeds import Deed
from tests.support.infisical.programs import stand_in
from tests.support.infisical.server import InfisicalServer
from tests.support.operator import COMMAND, Operator

KEY = base64url.encode(WatchedEntropy(404).token(32))
OTHER_KEY = base64url.encode(WatchedEntropy(406).token(32))
PATH = "/infrastructure/nats_url"
SECRET = "nats://canary-of-the-snapshot:4222"
T = TypeVar("T")
QUICK = {"journal_jwks_max_age": 0.5, "journal_infisical_cache_ttl": 0.5, "journal_ledger_poll": 0.02}


def with_snapshot(folder: Path, **changes: object) -> Settings:
    chosen: dict[str, object] = {
        "journal_snapshot_file": folder / "snapshot.jks",
        "journal_snapshot_key": KEY,
        "journal_snapshot_secrets": PATH,
        "journal_clock_skew": 0,
        **QUICK,
        **changes,
    }
    return settings_in(folder, **chosen)


class Outage:
    """Ledger, vault and master key moved away and back."""

    def __init__(self, folder: Path) -> None:
        self.home, self.elsewhere = folder / "home", folder / "elsewhere"

    def begin(self) -> None:
        self.home.rename(self.elsewhere)

    def end(self) -> None:
        self.elsewhere.rename(self.home)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[InfisicalSecretsClient, InfisicalKeyManager]]:
    async with InfisicalSecretsClient(settings) as client, InfisicalKeyManager(client=client) as keys:
        yield client, keys


async def refuses_at_last(act: Callable[[], object]) -> None:
    """Wait until a view is too old for this."""
    for _ in range(500):
        try:
            act()
        except ViewStaleError:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no view becomes too old")


async def is_given_no_more(client: InfisicalSecretsClient) -> None:
    for _ in range(500):
        try:
            await client.fetch_secret(PATH)
        except SecretStoreUnavailableError:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the secret becomes never too old")


async def view_ttl_is_over() -> None:
    """Time passes until no view of before counts as fresh."""
    for _ in range(6):
        await asyncio.sleep(0.1)


async def in_time(act: Callable[[], Awaitable[T]]) -> T:
    """Do it, once more where the machine paused for longer than a view signs."""
    for _ in range(500):
        with suppress(ViewStaleError):
            return await act()
        await asyncio.sleep(0.02)
    raise AssertionError("every view is too old")


async def written(settings: Settings) -> tuple[str, str]:
    """Give a token and a ciphertext of a process that ended after its snapshot was written with its secret."""
    async with opened(settings) as (client, keys):
        container = await client.container()
        await client.store_secret(PATH, SECRET)
        await container.load_views()()
        container.snapshot_pace().next_s = 0.0
        await container.keep_snapshot()()
        lifetime = container.profile().longest_token
        token = await in_time(lambda: signed(keys, "x", lifetime=lifetime))
        return token, await in_time(lambda: encrypted(keys, "kept"))


async def signed(keys: InfisicalKeyManager, subject: str, *, lifetime: timedelta | None = None) -> str:
    return (await keys.signer()).sign({"sub": subject}, lifetime=lifetime)


async def encrypted(keys: InfisicalKeyManager, text: str) -> str:
    return (await keys.get_token_cipher()).encrypt(text)


async def test_a_client_that_starts_in_an_outage_goes_on_and_comes_back_without_a_restart(tmp_path: Path) -> None:
    settings, outage = with_snapshot(tmp_path), Outage(tmp_path)
    await make_rings(settings)
    token, ciphertext = await written(settings)
    outage.begin()
    await view_ttl_is_over()
    async with opened(settings) as (client, keys):
        assert (await keys.verify(token))["sub"] == "x"
        assert (await keys.get_token_cipher()).decrypt(ciphertext) == "kept"
        assert await client.fetch_secret(PATH) == SECRET
        with pytest.raises(SecretStoreError):
            await client.fetch_secret("/infrastructure/redis_url")
        with pytest.raises(ViewStaleError):
            await signed(keys, "x")
        with pytest.raises(ViewStaleError):
            await encrypted(keys, "x")
        found = await client.health_check()
        assert found.overall is HealthStatus.DEGRADED
        assert all(part.reason.startswith("degraded since 20") for part in found.rings.values())
        outage.end()
        assert (await keys.verify(await in_time(lambda: signed(keys, "y"))))["sub"] == "y"
        assert (await keys.get_token_cipher()).decrypt(ciphertext) == "kept"
        assert (await client.health_check()).overall is HealthStatus.HEALTHY
        await client.store_secret("/infrastructure/redis_url", "redis://localhost")


class HangsUp(MemoryMeter):
    """Cuts off whoever has read the store, as a caller's time-out does; the first `most` of them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.left = most

    def read(self, folder: SecretPath, source: Source, took_s: float) -> None:
        super().read(folder, source, took_s)
        task = asyncio.current_task()
        if self.left and task is not None and not task.cancelling():
            self.left -= 1
            task.cancel()


def ledger_threads() -> set[threading.Thread]:
    """Those of open connections to a SQLite ledger."""
    return {thread for thread in threading.enumerate() if "_connection_worker_thread" in thread.name}


async def test_first_calls_that_are_cut_off_leave_no_ledger_open(tmp_path: Path) -> None:
    settings = with_snapshot(tmp_path)
    await make_rings(settings)
    await written(settings)
    settings.vault_file.unlink()
    before = ledger_threads()
    client = InfisicalSecretsClient(settings, meter=HangsUp(3))
    for _ in range(3):
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(client.container())
    for _ in range(500):
        if not ledger_threads() - before:
            break
        await asyncio.sleep(0.01)
    assert ledger_threads() - before == set()
    await client.container()
    assert ledger_threads() - before
    await client.aclose()


async def test_after_its_bound_everything_is_refused_and_a_new_start_says_why(tmp_path: Path) -> None:
    settings, outage = with_snapshot(tmp_path, journal_verify_max_stale=2), Outage(tmp_path)
    await make_rings(settings)
    token, ciphertext = await written(settings)
    outage.begin()
    async with opened(settings) as (client, keys):
        assert (await keys.verify(token))["sub"] == "x"
        verifier, cipher = await keys.verifier(), await keys.get_token_cipher()
        await refuses_at_last(lambda: verifier.verify(token))
        with pytest.raises(ViewStaleError):
            cipher.decrypt(ciphertext)
        await is_given_no_more(client)  # it was read a moment later than the ledger
    async with InfisicalSecretsClient(settings) as client:
        with pytest.raises(SnapshotTooOldError, match=r"snapshot\.jks .*needed because: ledger .* does not exist"):
            await InfisicalKeyManager(client=client).verify(token)


async def test_where_signing_outlives_the_view_ttl_a_restart_signs_within_its_bound(tmp_path: Path) -> None:
    settings, outage = with_snapshot(tmp_path, journal_sign_max_stale=60), Outage(tmp_path)
    await make_rings(settings)
    await written(settings)
    outage.begin()
    await view_ttl_is_over()
    async with opened(settings) as (_client, keys):
        assert (await keys.verify(await signed(keys, "x")))["sub"] == "x"
        cipher = await keys.get_token_cipher()
        assert cipher.decrypt(cipher.encrypt("x")) == "x"


async def test_without_a_snapshot_a_start_in_an_outage_fails_as_ever(tmp_path: Path) -> None:
    settings, outage = settings_in(tmp_path, **QUICK), Outage(tmp_path)
    await make_rings(settings)
    outage.begin()
    with pytest.raises(LedgerAbsentError, match="does not exist"):
        await InfisicalSecretsClient(settings).container()


async def test_a_postgresql_that_does_not_answer_is_an_outage_too(tmp_path: Path) -> None:
    settings = with_snapshot(tmp_path)
    await make_rings(settings)
    token, ciphertext = await written(settings)
    gone = with_snapshot(tmp_path, journal_db_url_async="postgresql+asyncpg://nobody@127.0.0.1:1/none")
    async with opened(gone) as (client, keys):
        assert (await keys.verify(token))["sub"] == "x"
        assert (await keys.get_token_cipher()).decrypt(ciphertext) == "kept"
        assert (await client.health_check()).overall is HealthStatus.DEGRADED


async def test_a_ledger_that_comes_back_newer_is_neither_read_nor_changed(tmp_path: Path) -> None:
    settings, outage = with_snapshot(tmp_path), Outage(tmp_path)
    await make_rings(settings)
    outage.begin()
    async with open_container(settings) as container:
        outage.end()
        async with ledger_engine(settings.ledger_url) as engine, engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for use in (container.ledger().heads(), container.clock_keeper().keep_clock(), container.load_views()()):
            with pytest.raises(LedgerSchemaError, match="newer"):
                await use
        async with ledger_engine(settings.ledger_url) as engine, engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})
        assert await container.ledger().heads()


async def test_a_snapshot_that_cannot_be_written_is_a_line_in_the_log_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = with_snapshot(tmp_path, journal_snapshot_file=tmp_path / "nowhere" / "snapshot.jks")
    await make_rings(settings)
    with caplog.at_level(logging.WARNING, logger="journal_keys"):
        async with opened(settings) as (_client, keys):
            for _ in range(50):
                await asyncio.sleep(0.02)
                await in_time(lambda: signed(keys, "x"))
                if "step=keep_snapshot" in caplog.text:
                    break
    told = [record.getMessage() for record in caplog.records if "step=keep_snapshot" in record.getMessage()]
    assert "nowhere" in told[0]
    assert len(told) < 10


async def test_nothing_of_keys_or_secrets_is_in_the_file_in_clear(tmp_path: Path) -> None:
    settings = with_snapshot(tmp_path, journal_sign_max_stale=60)
    await make_rings(settings)
    await written(settings)
    data = (tmp_path / "snapshot.jks").read_bytes()
    async with open_container(settings) as container:
        await container.load_views()()
        held = await container.snapshots().load()
        assert held is not None
        assert {str(path) for path in held.secrets} == {PATH}
        kids = [kid.encode() for kept in held.rings.values() for kid in kept.material]
    assert len(kids) == 4
    for clear in (SECRET.encode(), b"canary", PATH.encode(), b"PRE_ACTIVATION", *kids):
        assert clear not in data


def untouched(_file: Path) -> None:
    pass


def torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def opened_to_others(file: Path) -> None:
    file.chmod(0o644)


def linked(file: Path) -> None:
    moved = file.with_name("moved")
    file.rename(moved)
    file.symlink_to(moved)


UNUSABLE: dict[str, tuple[Callable[[Path], None], dict[str, object], type[SnapshotError]]] = {
    "torn": (torn, {}, SnapshotDamagedError),
    "open to others": (opened_to_others, {}, SnapshotDeniedError),
    "a link": (linked, {}, SnapshotDeniedError),
    "under another key": (untouched, {"journal_snapshot_key": OTHER_KEY}, SnapshotKeyError),
    "another environment's": (untouched, {"journal_infisical_environment": "prod"}, SnapshotForeignError),
}


@pytest.mark.parametrize(("spoil", "changes", "kind"), UNUSABLE.values(), ids=UNUSABLE)
async def test_a_snapshot_that_cannot_be_used_is_named_where_it_is_needed_and_stops_nothing_where_it_is_not(
    tmp_path: Path, spoil: Callable[[Path], None], changes: dict[str, object], kind: type[SnapshotError]
) -> None:
    settings, outage = with_snapshot(tmp_path), Outage(tmp_path)
    await make_rings(settings)
    await written(settings)
    spoil(tmp_path / "snapshot.jks")
    outage.begin()
    async with InfisicalSecretsClient(with_snapshot(tmp_path, **changes)) as client:
        with pytest.raises(kind, match=r"snapshot\.jks .*; it was needed because: ledger"):
            await InfisicalKeyManager(client=client).signer()
        with pytest.raises(SecretStoreError):
            await client.fetch_secret(PATH)
    outage.end()
    async with opened(with_snapshot(tmp_path, **changes)) as (_client, keys):
        assert await in_time(lambda: signed(keys, "x"))


SETTINGS = {
    "a file without a key": ({"journal_snapshot_key": None}, "go together"),
    "a key without a file": ({"journal_snapshot_file": None}, "go together"),
    "a malformed key": ({"journal_snapshot_key": "canary"}, "JOURNAL_SNAPSHOT_KEY is no key: expected 32 bytes"),
    "no path": ({"journal_snapshot_secrets": "canary"}, "JOURNAL_SNAPSHOT_SECRETS: a secret path is absolute"),
    "a path in the root": ({"journal_snapshot_secrets": "/x"}, "JOURNAL_SNAPSHOT_SECRETS: /x lies in the root"),
    "a ring's path": (
        {"journal_snapshot_secrets": f"{PATH}, /auth/jwt/current_private_key"},
        "JOURNAL_SNAPSHOT_SECRETS: /auth/jwt/current_private_key is a ring's",
    ),
}


@pytest.mark.parametrize(("changes", "said"), SETTINGS.values(), ids=SETTINGS)
def test_a_wrong_choice_is_refused_without_being_shown(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        with_snapshot(tmp_path, **changes).snapshot()
    assert "canary" not in str(caught.value)


def get(url: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 (our own address)
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as failure:
        with failure:
            return failure.code, json.load(failure)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(
        tmp_path,
        JOURNAL_SNAPSHOT_FILE=str(tmp_path / "snapshot.jks"),
        JOURNAL_SNAPSHOT_KEY=KEY,
        JOURNAL_LEDGER_POLL="0.05",
    )


@contextmanager
def served(operator: Operator) -> Iterator["subprocess.Popen[str]"]:
    command = [*COMMAND, "serve", "--port", "0", "--json"]
    process = subprocess.Popen(
        command, env=operator.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def becomes(url: str, wanted: Callable[[int, dict[str, object]], bool]) -> bool:
    for _ in range(100):
        if wanted(*get(url)):
            return True
        time.sleep(0.1)
    return False


def ended(process: "subprocess.Popen[str]") -> str:
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=30)[1]
    assert isinstance(log, str)
    return log


@pytest.mark.processes
def test_a_service_killed_and_started_in_an_outage_is_degraded_and_heals(tmp_path: Path, operator: Operator) -> None:
    outage = Outage(tmp_path)
    operator.json("init")
    with served(operator) as first:
        assert first.stdout is not None
        first.stdout.readline()
        for _ in range(100):
            if not (tmp_path / "snapshot.jks").exists():
                time.sleep(0.05)
        assert (tmp_path / "snapshot.jks").exists()
    outage.begin()
    with served(operator) as second:
        assert second.stdout is not None
        address = json.loads(second.stdout.readline())["serves_on"]
        code, body = get(f"{address}/api/v1/infisical/health")
        assert (code, body["overall_status"]) == (200, "degraded")
        assert becomes(f"{address}/.well-known/jwks.json", lambda code, _: code == HTTPStatus.SERVICE_UNAVAILABLE)
        outage.end()
        assert becomes(f"{address}/api/v1/infisical/health", lambda _, said: said["overall_status"] == "healthy")
        assert becomes(f"{address}/.well-known/jwks.json", lambda code, _: code == HTTPStatus.OK)
        log = ended(second)
    assert '"event": "views_restored", "snapshot": "' in log
    assert "Traceback" not in log


@pytest.mark.processes
def test_a_service_that_needs_a_damaged_snapshot_does_not_start_and_names_it(
    tmp_path: Path, operator: Operator
) -> None:
    operator.json("init")
    file = tmp_path / "snapshot.jks"
    file.touch(0o600)
    file.write_bytes(b"damaged")
    Outage(tmp_path).begin()
    done = operator.run("serve", "--port", "0")
    assert done.returncode == 14
    assert b"snapshot.jks is no snapshot of version 1, or was cut off; it was needed because: ledger" in done.stderr


@pytest.mark.processes
@pytest.mark.parametrize("deed", [None, Deed.RESET], ids=["the server is stopped", "the server resets connections"])
async def test_with_keys_in_infisical_a_client_starts_while_server_and_ledger_are_gone(
    tmp_path: Path, deed: Deed | None
) -> None:
    with InfisicalServer() as server:
        settings = with_snapshot(
            tmp_path,
            journal_infisical_enabled=True,
            journal_infisical_server_url=server.url,
            journal_infisical_project_id=server.project_id,
            journal_infisical_cli_path=stand_in(tmp_path),
            journal_infisical_requests_per_minute=100_000,
            journal_infisical_max_retries=0,
            infisical_universal_auth_client_id=server.owner.client_id,
            infisical_universal_auth_client_secret=server.owner.client_secret,
            journal_jwt_longest_token=600,
            journal_verify_max_stale=600,
        )
        await make_rings(settings)
        token, ciphertext = await written(settings)
        outage = Outage(tmp_path)
        outage.begin()
        if deed is None:
            server.stop()
        else:
            server.misbehave(deed)
        await view_ttl_is_over()
        async with opened(settings) as (client, keys):
            assert (await keys.verify(token))["sub"] == "x"
            assert (await keys.get_token_cipher()).decrypt(ciphertext) == "kept"
            assert await client.fetch_secret(PATH) == SECRET
            with pytest.raises(ViewStaleError):
                await signed(keys, "x")
            assert (await client.health_check()).overall is HealthStatus.DEGRADED
            outage.end()
            with pytest.raises(KeyUnavailableError):
                await in_time(lambda: signed(keys, "x"))
            assert (await keys.verify(token))["sub"] == "x"
            if deed is not None:
                server.behave()
                assert (await keys.verify(await signed_at_last(keys)))["sub"] == "y"


async def signed_at_last(keys: InfisicalKeyManager) -> str:
    """Sign, as soon as the circuit breaker lets a probe through."""
    for _ in range(100):
        try:
            return await in_time(lambda: signed(keys, "y"))
        except KeyUnavailableError:
            await asyncio.sleep(0.2)
    raise AssertionError("the outage is over, and nothing is signed")
