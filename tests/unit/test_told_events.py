"""Who tells what, when: fallbacks are warnings, failures are errors, and what goes on is told once."""

import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import cast

import httpx2
import pytest
from dependency_injector import providers
from redis import exceptions
from redis.asyncio import Redis

from journal_keys import events
from journal_keys.adapters.infisical_cli.failures import CallFailedError, CallFailure, Failure
from journal_keys.adapters.infisical_cli.patience import Patience
from journal_keys.adapters.infisical_cli.session import FixedToken, Login
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.redis.caller import LONGEST_REST_S, Caller, NoAnswerError
from journal_keys.domain.audit_chain import EMPTY
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.status import AuditStatus
from journal_keys.entrypoints.background import Background
from journal_keys.entrypoints.facade import InfisicalSecretsClient
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.resources import open_container
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStoreDeniedError, SecretStoreUnavailableError
from tests.support.canary.entropy import WatchedEntropy
from tests.support.embedded import make_rings, settings_in
from tests.support.serving import serving
from tests.support.world import START

PATH = SecretPath.parse("/database/db_url_async")
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger=events.LOGGER)
    return caplog


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def told(log: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(one.levelname, one.getMessage()) for one in log.records if one.name == events.LOGGER]


class Store:
    """Gives a secret, or fails."""

    failure: Exception | None = None

    async def load(self, _path: SecretPath) -> KeyMaterial:
        if self.failure is not None:
            raise self.failure
        return KeyMaterial(b"hunter2")


async def test_a_stale_secret_is_a_warning_and_a_hit_in_memory_is_nothing(
    log: pytest.LogCaptureFixture, clock: ManualClock
) -> None:
    store, cache = Store(), MemorySecretCache(clock, HOUR, HOUR)
    for _ in range(3):
        await cache.get(PATH, store.load)
    clock.pass_time(HOUR)
    store.failure = SecretStoreUnavailableError("no answer")
    await cache.get(PATH, store.load)
    await cache.invalidate(None)
    assert told(log) == [
        ("DEBUG", "secret_fetched path=/database/db_url_async source=store took_ms=0"),
        ("WARNING", 'stale_secret_served path=/database/db_url_async age_s=3600 error="no answer"'),
        ("DEBUG", "secret_fetched path=/database/db_url_async source=stale took_ms=0"),
        ("DEBUG", "cache_forgotten prefix=/ values=1"),
        ("DEBUG", "cache_forgotten prefix=/ values=0"),
    ]


class Client:
    """Stands where a client of Redis would, and fails while it is told to."""

    failure: Exception | None = None

    async def execute_command(self, *_words: str | int) -> bytes:
        if self.failure is not None:
            raise self.failure
        return b"OK"


async def test_redis_is_told_to_be_away_once_and_once_that_it_answers_again(
    log: pytest.LogCaptureFixture, clock: ManualClock
) -> None:
    client = Client()
    call = Caller(client=cast("Redis", client), clock=clock, counts=Counter())
    await call("GET", "a")
    client.failure = exceptions.ConnectionError("hunter2")
    for _ in range(3):
        with pytest.raises(NoAnswerError):
            await call("GET", "a")
        clock.pass_time(timedelta(seconds=LONGEST_REST_S))
    client.failure = None
    for _ in range(2):
        await call("GET", "a")
    assert told(log) == [("WARNING", "redis_away why=unreachable"), ("INFO", "redis_answers_again")]


async def test_a_refused_login_is_an_error_once_for_as_long_as_none_is_tried(
    log: pytest.LogCaptureFixture, clock: ManualClock
) -> None:
    async def refuse() -> KeyMaterial:
        raise CallFailedError(CallFailure(kind=Failure.CREDENTIALS, status=401, reason="Invalid credentials"))

    login = Login(log_in=refuse, clock=clock)
    for _ in range(3):
        with pytest.raises(SecretStoreDeniedError):
            await login.token()
    ((level, message),) = told(log)
    assert level == "ERROR"
    assert message.startswith('store_login_refused error="the login is refused (HTTP 401: Invalid credentials)')


async def test_a_login_is_told_without_its_token(log: pytest.LogCaptureFixture, clock: ManualClock) -> None:
    async def give() -> KeyMaterial:
        return KeyMaterial(b"hunter2")

    await Login(log_in=give, clock=clock).token()
    with pytest.raises(SecretStoreDeniedError):
        await FixedToken(KeyMaterial(b"hunter2")).renewed(KeyMaterial(b"hunter2"))
    assert told(log) == [("INFO", "store_login_done"), ("ERROR", "store_token_refused")]


async def test_each_retry_is_told_and_the_last_failure_is_none(
    log: pytest.LogCaptureFixture, clock: ManualClock
) -> None:
    async def fail() -> None:
        raise CallFailedError(CallFailure(kind=Failure.SERVER, status=502, reason="Bad Gateway"))

    with pytest.raises(CallFailedError):
        await Patience(retries=2, delay_s=0.001, clock=clock, entropy=WatchedEntropy(1))(fail)
    assert told(log) == [
        ("DEBUG", f'store_call_retried retry={number} error="HTTP 502: Bad Gateway"') for number in (1, 2)
    ]


class Failing:
    """A use case that fails."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    async def __call__(self, *_: object) -> None:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (
            SecretStoreUnavailableError("no answer"),
            ["secret_fetch_failed path=/a/b error=", "secret_not_stored path=/a/b"],
        ),
        (SecretNotFoundError("no such"), []),
    ],
    ids=["an outage", "no such secret"],
)
async def test_a_client_tells_of_a_store_that_failed(
    tmp_path: Path, log: pytest.LogCaptureFixture, failure: Exception, expected: list[str]
) -> None:
    await make_rings(settings := settings_in(tmp_path))
    async with InfisicalSecretsClient(settings) as client:
        container = await client.container()
        container.fetch_secret.override(providers.Object(Failing(failure)))
        container.store_secret.override(providers.Object(Failing(failure)))
        for call in (client.fetch_secret("/a/b"), client.store_secret("/a/b", "hunter2")):
            with pytest.raises(type(failure)):
                await call
    errors = [message for level, message in told(log) if level == "ERROR"]
    assert len(errors) == len(expected)
    assert all(message.startswith(start) for message, start in zip(errors, expected, strict=True))


async def test_a_broken_audit_chain_is_an_error_once(tmp_path: Path, log: pytest.LogCaptureFixture) -> None:
    await make_rings(settings := settings_in(tmp_path))
    found = [
        AuditStatus(head=EMPTY, whole_at=START, broken=broken)
        for broken in ("", "", "entry 2", "entry 2", "", "entry 2")
    ]

    class Watch:
        async def __call__(self) -> AuditStatus:
            found.pop(0)
            return self.status()

        def status(self) -> AuditStatus:
            return found[0]

    async with open_container(settings) as container:
        container.watch_audit.override(providers.Object(Watch()))
        background = Background(container=container, poll=HOUR, reconcile_interval=HOUR)
        while len(found) > 1:
            await background.watch_ledger()
    broken = [one for one in told(log) if one[1].startswith("audit")]
    assert broken == [("ERROR", 'audit_chain_broken error="entry 2"')] * 2


async def test_a_request_that_is_refused_or_breaks_is_told_with_its_id(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    await make_rings(settings := settings_in(tmp_path))

    async with serving(settings) as caller:
        refused = await caller.get("/api/v1/infisical/keys", headers={"Authorization": "Bearer hunter2"})
        container = caller._transport.app.container_now()  # type: ignore[attr-defined]  # noqa: SLF001 (of httpx2)
        container.invalidate_cache.override(providers.Object(Failing(ZeroDivisionError("hunter2=eyJhbGciOi.e30.e30"))))
        broken = await caller.post("/api/v1/infisical/cache/invalidate")
    lines = {vars(one)["event_name"]: one for one in log.records if one.name == events.LOGGER}
    call, fault = (vars(lines[name])["event_fields"] for name in ("call_not_authenticated", "request_broken"))
    assert (call["request_id"], call["status"]) == (refused.headers["x-request-id"], 401)
    assert (call["route"], call["actor"]) == ("GET /api/v1/infisical/keys", "http:unknown")
    assert fault["request_id"]
    assert broken.status_code == 500
    assert (lines["request_broken"].levelname, fault["error"]) == ("ERROR", "ZeroDivisionError: hunter2=[redacted]")
    assert "test_told_events.py" in fault["trace"]


async def test_a_refusal_is_an_error_where_nobody_knows_the_caller_and_else_a_warning(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    await make_rings(settings := settings_in(tmp_path))
    async with serving(settings) as caller:
        for path in ("/metrics", "/api/v1/infisical/audit"):
            await caller.get(path, headers={"X-Forwarded-For": "192.0.2.1"})
            for _ in range(3):
                await caller.get(path, headers={"Authorization": "Bearer hunter2"})
    told_now = [
        (record.levelname, fields["route"], fields["status"], int(fields["requests"]))
        for record in log.records
        if (fields := vars(record).get("event_fields")) and "route" in fields
    ]
    stands_for = Counter[tuple[str, str, int]]()
    for level, route, status, requests in told_now:
        stands_for[level, route, status] += requests
    assert stands_for.keys() == {
        (level, f"GET {path}", status)
        for path in ("/metrics", "/api/v1/infisical/audit")
        for level, status in (("WARNING", 403), ("ERROR", 401))
    }
    assert set(stands_for.values()) <= {1, 2, 3}, "more within a second are told by a later one"


async def test_refusals_before_the_start_are_told_as_what_they_are(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    transport = httpx2.ASGITransport(app=create_app(settings_in(tmp_path)), client=("127.0.0.1", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as caller:
        await caller.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"})
    assert [record.getMessage().partition(" ")[0] for record in log.records if record.name == events.LOGGER] == [
        "call_refused"
    ]
