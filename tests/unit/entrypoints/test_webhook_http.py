"""The webhook over HTTP: who is let in, what is answered, and that nothing else follows."""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from journal_keys.domain.keys import Family
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.http.doors import INVALIDATE, ROTATE, WEBHOOK
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.support.embedded import make_rings, settings_in
from tests.support.hooks import PROJECT, SECRET, SIGNATURE, modified, ms_of, signed
from tests.support.serving import serving

PROBLEM = "application/problem+json"


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(
        tmp_path,
        journal_infisical_webhook_secret=SECRET,
        journal_infisical_project_id=PROJECT,
        journal_jwt_rotation_interval=86_400,
        journal_aes_rotation_interval=86_400,
        journal_reconcile_interval=3600,
    )
    await make_rings(made)
    return made


async def send(
    caller: httpx2.AsyncClient, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    """Send this body, signed where no headers are said."""
    now = datetime.now(UTC)
    content = modified(now) if body is None else body
    return await caller.post(WEBHOOK, content=content, headers=signed(content, now) if headers is None else headers)


async def tell(caller: httpx2.AsyncClient, folder: str = "/auth/jwt", **changes: Any) -> httpx2.Response:  # noqa: ANN401 (as `modified`)
    """Send that secrets of this folder changed."""
    now = datetime.now(UTC)
    body = modified(now, folder, **changes)
    return await send(caller, body, signed(body, now))


async def test_a_genuine_delivery_is_taken_and_its_repeat_is_not(caller: httpx2.AsyncClient) -> None:
    now = datetime.now(UTC)
    body = modified(now, project={"projectName": "Größe \U0001f511"})
    answers = [await send(caller, body, signed(body, now)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.json()["status"] for answer in answers] == ["taken", "already seen", "already seen"]


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"event": "test"}, "a test"),
        ({"event": "honey-token.triggered"}, "does not say"),
        ({"project": {"environment": "prod"}}, "another environment"),
        ({"project": {"workspaceId": "another"}}, "another project"),
        ({"project": {"secretPath": "/"}}, "no secret of ours"),
    ],
)
async def test_what_concerns_nobody_here_is_ignored_with_200(
    caller: httpx2.AsyncClient, changes: dict[str, Any], because: str
) -> None:
    answer = await tell(caller, **changes)
    assert (answer.status_code, answer.json()["status"]) == (200, "ignored")
    assert because in answer.json()["because"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SIGNATURE: ""},
        {SIGNATURE: "t=1;" + "0" * 64},
        {SIGNATURE: "sha256=" + "0" * 64},
        {SIGNATURE: "t=" + "9" * 5000},
        {SIGNATURE: b"t=\xff;\xfe"},
        {SIGNATURE: "\u00e9".encode("latin-1")},
    ],
)
async def test_what_is_not_signed_is_a_401_that_repeats_nothing(
    caller: httpx2.AsyncClient, headers: Mapping[str, str]
) -> None:
    answer = await send(caller, b'{"event": "planted"}', headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert "planted" not in answer.text


async def test_a_stale_delivery_is_a_401(caller: httpx2.AsyncClient) -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    body = modified(long_ago)
    assert (await send(caller, body, signed(body, long_ago))).status_code == 401


async def test_a_body_for_slack_is_a_400_and_the_log_names_the_cure(
    caller: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC)
    body = b'{"text": "A secret was modified", "timestamp": %d}' % ms_of(now)
    answer = await send(caller, body, signed(body, now))
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert "general" in answer.json()["detail"]
    assert "webhook_unusable" in caplog.text
    assert "general" in caplog.text


async def test_a_body_beyond_16_kib_is_a_413(caller: httpx2.AsyncClient) -> None:
    assert (await tell(caller, more="a" * 17_000)).status_code == 413


@pytest.mark.parametrize("headers", [{"Host": "keys.example.org"}, {"X-Forwarded-For": "203.0.113.7"}])
@pytest.mark.parametrize("client", ["127.0.0.1", "203.0.113.7"])
async def test_a_signature_lets_in_from_anywhere_and_nothing_else_does(
    settings: Settings, headers: Mapping[str, str], client: str
) -> None:
    named = settings.model_copy(update={"journal_http_hosts": "localhost,keys.example.org"})
    async with serving(named, (client, 5)) as caller:
        now = datetime.now(UTC)
        body = modified(now)
        assert (await send(caller, body, {**signed(body, now), **headers})).status_code == 200
        assert (await send(caller, body, headers)).status_code == 401
        for path in (f"{WEBHOOK}/", f"/{WEBHOOK}", f"{WEBHOOK}/../rotate", ROTATE, INVALIDATE):
            answer = await caller.post(path, content=body, headers={**signed(body, now), **headers})
            assert answer.status_code in {403, 404}


async def test_a_sender_who_hangs_up_in_the_middle_breaks_nothing(settings: Settings) -> None:
    app = create_app(settings)
    coming: Iterator[MutableMapping[str, Any]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(coming)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": WEBHOOK,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    async with app.router.lifespan_context(app):
        await app({**scope, "client": ("203.0.113.7", 5), "server": ("127.0.0.1", 8000)}, receive, send)
    assert sent[0]["status"] == 400


async def test_a_store_out_of_reach_is_a_503_that_names_nothing(settings: Settings) -> None:
    async with serving(settings) as caller:
        settings.vault_file.rename(settings.vault_file.with_suffix(".aside"))
        now = datetime.now(UTC)
        body = modified(now)
        answer = await send(caller, body, signed(body, now, "another secret"))
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert str(settings.journal_keys_home) not in answer.text


async def test_without_a_secret_every_delivery_is_refused(tmp_path: Path) -> None:
    bare = settings_in(tmp_path)
    await make_rings(bare)
    async with serving(bare) as caller:
        answer = await tell(caller)
    assert answer.status_code == 401
    assert "JOURNAL_INFISICAL_WEBHOOK_SECRET" in answer.json()["detail"]


async def test_a_delivery_changes_nothing_but_its_own_record(settings: Settings, caller: httpx2.AsyncClient) -> None:
    async with open_container(settings) as container:

        async def seen() -> object:
            heads = await container.ledger().heads()
            entries = await container.trail().entries(after=0, limit=1000)
            return heads, entries, settings.vault_file.read_bytes()

        before = await seen()
        for folder in ("/auth", "/auth/jwt", "/auth/aes/versions"):
            answer = await tell(caller, folder)
            assert answer.json()["status"] == "taken"
        assert await seen() == before
        assert set(await container.ledger().heads()) == set(Family)


async def test_what_became_of_deliveries_is_in_the_figures(caller: httpx2.AsyncClient) -> None:
    def count(text: str) -> float:
        name = 'infisical_webhook_events_total{event="secrets.modified",status="taken"}'
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    before = count((await caller.get("/metrics")).text)
    await tell(caller)
    assert count((await caller.get("/metrics")).text) == before + 1


def age(settings: Settings) -> None:
    """Have everything in the ledger's rings happen a day ago."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="microseconds")
    with closing(sqlite3.connect(settings.journal_keys_home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("UPDATE rings SET changed_at = ?", [yesterday])
        for column in ("created_at", "published_at", "activated_at"):
            ledger.execute(f"UPDATE key_versions SET {column} = ? WHERE {column} IS NOT NULL", [yesterday])  # noqa: S608


@pytest.mark.parametrize(("chosen", "rotated"), [("off", set()), ("when-due", {Family.JWT})])
async def test_a_ring_that_is_due_is_rotated_on_a_webhook_only_where_that_is_switched_on(
    tmp_path: Path, chosen: str, rotated: set[Family]
) -> None:
    patient = settings_in(
        tmp_path,
        journal_infisical_webhook_secret=SECRET,
        journal_infisical_webhook_rotation=chosen,
        journal_infisical_cache_ttl=7200,
        journal_ledger_poll=3600,
        journal_reconcile_interval=3600,
        journal_verify_max_stale=86_400,
        journal_jwt_rotation_interval=40_000,
        journal_aes_rotation_interval=40_000,
    )
    await make_rings(patient)
    async with serving(patient) as caller, open_container(patient) as container:
        await asyncio.sleep(0.2)  # the scheduler has looked, and looks again in an hour
        before = await container.ledger().heads()
        assert (await tell(caller)).json()["status"] == "taken"
        assert await container.ledger().heads() == before, "a ring that just changed is left alone"
        await asyncio.to_thread(age, patient)  # the loop may have a transaction under way
        aged = await container.ledger().heads()
        assert (await tell(caller, event="test")).json()["status"] == "ignored"
        assert await container.ledger().heads() == aged
        assert (await tell(caller)).json()["status"] == "taken"
        after = await container.ledger().heads()
        assert {family for family in Family if after[family] != aged[family]} == rotated
        actors = {entry.fact.actor for entry in await container.trail().entries(after=0, limit=100)}
        assert ("webhook" in actors) == bool(rotated)
