"""The status page over HTTP: whom it answers with what, also while things are broken."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from dependency_injector import providers
from fastapi import FastAPI

from journal_keys import install
from journal_keys.container import Container
from journal_keys.domain.audit_chain import AuditEntry, AuditHead
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family
from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.health_looks import HealthLooks
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.http.doors import INVALIDATE, ROTATE, STATUS
from journal_keys.entrypoints.http.status_page.look import look
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Profile, Settings
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.fleet import Fleet
from tests.support.embedded import make_rings, settings_in
from tests.support.serving import serving
from tests.support.tokens import bearing, give_token


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path, journal_reconcile_interval=3600)
    await make_rings(made)
    return made


def text_of(answer: httpx2.Response) -> str:
    """What a reader reads."""
    cells = answer.text.replace("</th>", " ").replace("</td>", " ")
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", "", cells, flags=re.DOTALL).split())


async def test_it_is_a_page_that_nobody_keeps_and_that_may_load_nothing(caller: httpx2.AsyncClient) -> None:
    answer = await caller.get(STATUS)
    assert answer.status_code == 200
    headers = answer.headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    (policy,) = headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_the_first_page_of_a_process_has_followed_the_audit_chain(caller: httpx2.AsyncClient) -> None:
    told = text_of(await caller.get(STATUS))
    assert re.search(r"tampered with\? good No sign of it: [1-9]\d* entries hold", told)


async def test_an_audit_entry_that_was_changed_is_told(settings: Settings) -> None:
    with closing(sqlite3.connect(settings.journal_keys_home / "ledger.sqlite3")) as database, database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in names:
            database.execute(f'DROP TRIGGER "{name}"')
        assert database.execute("UPDATE audit SET reason = 'another' WHERE sequence = 2").rowcount == 1
    async with serving(settings) as caller:
        told = text_of(await caller.get(STATUS))
    assert "tampered with? wrong Yes: audit entry 2 was changed after it was written." in told
    assert told.startswith("journal_keys status: wrong")


async def test_what_is_asked_for_is_on_the_next_page_under_its_reason(caller: httpx2.AsyncClient) -> None:
    body = {"rotation_type": "jwt", "force": True, "reason": "<b>an</b> operator's \u05d0 wish"}
    assert (await caller.post(ROTATE, json=body)).status_code == 202
    answer = await caller.get(STATUS)
    assert "Is anything stuck, and why? good No: what waits is in its time. jwt: a rotation waits since 20" in text_of(
        answer
    )
    assert "<b>" not in answer.text
    assert answer.text.count("&lt;b&gt;an&lt;/b&gt; operator&#39;s \u05d0 wish") >= 1


async def test_figures_of_this_service_are_on_it(caller: httpx2.AsyncClient) -> None:
    await caller.post("/api/v1/infisical/webhook", content=b"{}")
    told = text_of(await caller.get(STATUS))
    assert re.search(r"Webhooks, by what became of them .*refused [1-9]", told)


async def test_without_the_ledger_it_says_so_and_what_this_process_knows(settings: Settings) -> None:
    async with serving(settings) as caller:
        before = text_of(await caller.get(STATUS))
        (kid,) = re.findall(r"(jwt_\S+) \(EdDSA\) signs", before)
        (settings.journal_keys_home / "ledger.sqlite3").write_bytes(b"no database" * 1000)
        answer = await caller.get(STATUS)
    told = text_of(answer)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "The ledger cannot be read" in told
    assert f"The ledger does not answer. {kid} was in use since" in told
    assert "Is anything stuck, and why? wrong Yes: the ledger cannot be read: " in told


async def test_before_the_start_and_after_the_end_it_is_a_problem(settings: Settings) -> None:
    transport = httpx2.ASGITransport(app=create_app(settings), client=("127.0.0.1", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as caller:
        answer = await caller.get(STATUS)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


class SilentFleet(Fleet):
    """Nobody is told anything."""

    async def report(self, name: str, generations: Mapping[Any, int], *, expires_in: timedelta) -> None:
        raise NotImplementedError

    async def leave(self, name: str) -> None:
        raise NotImplementedError

    async def instances(self) -> Sequence[Instance]:
        await asyncio.sleep(3600)
        return ()


class EndlessTrail(AuditTrail):
    """A chain that nobody follows to its end while somebody waits."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def head(self) -> AuditHead:
        return await self._trail.head()

    async def append(self, fact: AuditFact) -> AuditHead:
        return await self._trail.append(fact)

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        if limit == 200:
            await asyncio.sleep(3600)
        return await self._trail.entries(after=after, limit=limit)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Container]:
    async with open_container(settings) as container:
        await container.refresh_views()()
        yield container


def healthy(container: Container) -> HealthLooks:
    return HealthLooks(container=container, within=timedelta(seconds=10), counts_for=timedelta(0))


async def test_a_ledger_that_does_not_answer_in_time_counts_as_one_that_cannot_be_read(settings: Settings) -> None:
    async with opened(settings) as container:
        container.fleet.override(providers.Object(SilentFleet()))
        found, _ = await look(container, healthy(container), timeout=timedelta(seconds=0.2), folder=None, reports=False)
    assert (found.report, found.failure) == (None, "the ledger did not answer within 0.2 s")
    assert all(found.known(family) for family in Family)


async def test_a_chain_that_is_too_long_for_one_look_does_not_hold_the_page_up(settings: Settings) -> None:
    async with opened(settings) as container:
        container.trail.override(providers.Object(EndlessTrail(container.trail())))
        found, _ = await look(container, healthy(container), timeout=timedelta(seconds=10), folder=None, reports=False)
    assert found.report is not None
    assert found.audit.whole_at is None


async def test_a_chain_that_was_followed_is_not_followed_again_for_the_page(settings: Settings) -> None:
    async with opened(settings) as container:
        first, _ = await look(container, healthy(container), timeout=timedelta(seconds=10), folder=None, reports=False)
        second, _ = await look(container, healthy(container), timeout=timedelta(seconds=10), folder=None, reports=False)
    assert first.audit == second.audit


async def test_the_document_says_that_it_is_a_page_and_what_else_may_be_answered(settings: Settings) -> None:
    answers = create_app(settings).openapi()["paths"][STATUS]["get"]["responses"]
    assert set(answers["200"]["content"]) == {"text/html"}
    assert set(answers["503"]["content"]) == {"text/html", "application/problem+json"}
    assert set(answers) == {"200", "401", "403", "404", "408", "413", "421", "429", "431", "503"}


async def test_it_is_of_the_service_only_and_no_application_loses_a_page_of_that_name(settings: Settings) -> None:
    app = FastAPI()

    @app.get(STATUS)
    async def own() -> str:
        return "the application's own"

    install(app, settings)
    transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 5))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as caller,
    ):
        assert (await caller.get(STATUS)).json() == "the application's own"


async def test_outside_the_embedded_profile_it_needs_a_token_with_the_scope_read(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    made = settings_in(
        tmp_path,
        journal_keys_profile=Profile.STANDARD,
        journal_infisical_cache_ttl=300,
        journal_admin_tokens_file=tokens,
    )
    await make_rings(made)
    reader, rotator = give_token(tokens, "reader", Scope.READ), give_token(tokens, "rotator", Scope.ROTATE)
    async with serving(made) as caller:
        statuses = [
            (await caller.get(STATUS, headers=headers)).status_code
            for headers in ({}, bearing(rotator), bearing(reader))
        ]
        told = text_of(await caller.get(STATUS, headers=bearing(reader)))
    assert statuses == [401, 403, 200]
    assert "http:reader admin_called none over HTTP route: GET /status; scope: read; status: 200" in told


async def test_another_site_cannot_show_it(caller: httpx2.AsyncClient) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert (await caller.get(STATUS, headers=headers)).status_code == 403
    assert (await caller.post(INVALIDATE)).status_code == 200, "the caller itself is let in"
