"""Who gets through which door: every route, with every kind of credential, from one table."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import httpx2
import pytest
from fastapi import APIRouter
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as ScopeOfAsgi

from journal_keys.domain.access import new_token
from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.http.doors import AUDIT, DOORS, HEALTH, KEYS, ROTATE, Door, Kind
from journal_keys.entrypoints.http.gate import Gate
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Profile, Settings
from tests.support.embedded import make_rings, settings_in
from tests.support.serving import serving
from tests.support.tokens import bearing, give_token

STRANGER: Final = ("203.0.113.7", 5)
HERE: Final = ("127.0.0.1", 5)


@pytest.fixture
async def standard(tmp_path: Path) -> Settings:
    made = settings_in(
        tmp_path,
        journal_keys_profile=Profile.STANDARD,
        journal_infisical_cache_ttl=300,
        journal_admin_tokens_file=tmp_path / "tokens.json",
        journal_http_discovery=True,
        journal_jwt_issuer="https://auth.example.org",
    )
    await make_rings(made)
    return made


@pytest.fixture
async def embedded(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path)
    await make_rings(made)
    return made


def file_of(settings: Settings) -> Path:
    assert settings.admin_tokens_file is not None
    return settings.admin_tokens_file


def routes_of(routes: Iterable[object]) -> set[tuple[str, str]]:
    """Methods and paths, also of routers that were included (as a list, or as one)."""
    found: set[tuple[str, str]] = set()
    for route in routes:
        if isinstance(route, Route):
            found |= {(method, route.path) for method in (route.methods or ()) if method != "HEAD"}
        else:
            included = getattr(route, "original_router", None)
            assert isinstance(included, APIRouter), f"a kind of route that this test does not know: {route!r}"
            found |= routes_of(included.routes)
    return found


def test_every_route_has_a_door_and_every_door_a_route(embedded: Settings) -> None:
    assert routes_of(create_app(embedded).routes) == set(DOORS)


async def test_a_route_without_a_door_is_not_served(embedded: Settings) -> None:
    app = create_app(embedded)

    @app.get("/forgotten")
    async def forgotten() -> str:
        return "here"

    assert ("GET", "/forgotten") in routes_of(app.routes)
    transport = httpx2.ASGITransport(app=app, client=HERE)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport) as caller:
        assert (await caller.get("http://localhost/forgotten")).status_code == 404


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "TRACE"])
async def test_another_method_gets_through_no_door(standard: Settings, method: str) -> None:
    async with serving(standard, STRANGER) as caller:
        for path in sorted({path for _, path in DOORS}):
            answer = await caller.request(method, path)
            assert (answer.status_code, answer.headers["allow"] in {"GET", "GET, HEAD", "POST"}) == (405, True)


async def knock(caller: httpx2.AsyncClient, door: tuple[str, str], headers: Mapping[str, str] | None = None) -> int:
    """Call the route with nothing in it, which changes nothing wherever one gets through."""
    return (await caller.request(*door, headers=headers)).status_code


EXPECTED: Final[dict[Kind, dict[str, int | None]]] = {
    Kind.PUBLIC: {"stranger": None, "nobody": None, "wrong": None, "low": None, "right": None},
    Kind.WATCH: {"stranger": 403, "nobody": None, "wrong": 401, "low": 403, "right": None},
    Kind.ADMIN: {"stranger": 401, "nobody": 401, "wrong": 401, "low": 403, "right": None},
}
"""By kind of door and credential: the refusal, None for being let in."""


@pytest.mark.parametrize(("route", "door"), DOORS.items(), ids=[f"{method} {path}" for method, path in DOORS])
async def test_each_credential_gets_through_its_doors_and_no_other(
    standard: Settings, route: tuple[str, str], door: Door
) -> None:
    right = give_token(file_of(standard), "right", door.scope)
    low = give_token(file_of(standard), "low", *(set(Scope) - {door.scope}))
    wrong = bearing(new_token(bytes(32)))
    knocks = {
        "stranger": (STRANGER, None),
        "nobody": (HERE, None),
        "wrong": (HERE, wrong),
        "low": (STRANGER, bearing(low)),
        "right": (STRANGER, bearing(right)),
    }
    assert knocks.keys() == EXPECTED[door.kind].keys()
    for name, (client, headers) in knocks.items():
        async with serving(standard, client) as caller:
            code, refused = await knock(caller, route, headers), EXPECTED[door.kind][name]
            if refused is None and route[1].endswith("/webhook"):
                assert code == 401, "a webhook proves itself by its signature"
            elif refused is None:
                assert code in {200, 422}, (name, code)
            else:
                assert code == refused, name


@pytest.mark.parametrize("route", [route for route, door in DOORS.items() if door.kind is not Kind.PUBLIC])
async def test_in_the_embedded_profile_a_direct_caller_needs_no_token_and_a_wrong_one_helps_nobody(
    embedded: Settings, route: tuple[str, str]
) -> None:
    async with serving(embedded, HERE) as caller:
        assert await knock(caller, route) in {200, 422}
        assert await knock(caller, route, bearing(new_token(bytes(32)))) == 401
        assert await knock(caller, route, {"X-Forwarded-For": "203.0.113.7"}) == 403
    token = give_token(file_of(embedded), "all", *Scope)
    async with serving(embedded, STRANGER) as caller:
        assert await knock(caller, route) == 403
        assert await knock(caller, route, bearing(token)) in {200, 422}


async def test_without_tokens_the_admin_plane_of_another_profile_is_off(standard: Settings) -> None:
    async with serving(standard, HERE) as caller:
        answer = await caller.get(KEYS)
    assert answer.status_code == 403
    assert "JOURNAL_ADMIN_TOKENS_FILE" in answer.json()["detail"]


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer \u00e9",
        "Bearer " + "a" * 47,
        "Bearer jka_" + "A" * 42,
        "Bearer jka_" + "A" * 44,
        "{right} {right}",
        "Bearer {right}, Bearer {right}",
        "Token {right}",
    ],
)
async def test_what_is_no_bearer_token_is_a_401_that_says_how_to_ask(standard: Settings, shown: str) -> None:
    right = give_token(file_of(standard), "right", *Scope)
    async with serving(standard) as caller:
        header = shown.replace("{right}", right).encode("latin-1")
        answer = await caller.get(KEYS, headers=[(b"Authorization", header)])
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        twice = await caller.get(KEYS, headers=[("Authorization", f"Bearer {right}")] * 2)
        assert twice.status_code == 401
        assert (await caller.get(KEYS, headers={"Authorization": f"bearer {right}"})).status_code == 200


async def test_a_token_that_is_taken_away_is_gone_at_once(standard: Settings) -> None:
    token = give_token(file_of(standard), "one", Scope.READ)
    give_token(file_of(standard), "other", Scope.READ)
    async with serving(standard) as caller:
        assert (await caller.get(KEYS, headers=bearing(token))).status_code == 200
        standard_file = json.loads(file_of(standard).read_bytes())
        standard_file["tokens"] = [one for one in standard_file["tokens"] if one["name"] == "other"]
        file_of(standard).write_text(json.dumps(standard_file), encoding="ascii")
        assert (await caller.get(KEYS, headers=bearing(token))).status_code == 401


async def test_tokens_that_cannot_be_read_let_nobody_in_and_say_so(standard: Settings) -> None:
    token = give_token(file_of(standard), "one", *Scope)
    async with serving(standard) as caller:
        for spoiled in (b"", b"{", b"[]", b'{"tokens": [{"name": "x"}]}', b'{"tokens": 5}'):
            file_of(standard).write_bytes(spoiled)
            answer = await caller.get(KEYS, headers=bearing(token))
            assert answer.status_code == 503
            assert "tokens" in answer.json()["detail"]


async def test_force_needs_a_scope_of_its_own(standard: Settings) -> None:
    plain = give_token(file_of(standard), "plain", Scope.ROTATE)
    forcing = give_token(file_of(standard), "forcing", Scope.ROTATE, Scope.ROTATE_FORCE)
    body = {"rotation_type": "jwt", "force": True}
    async with serving(standard) as caller:
        refused = await caller.post(ROTATE, json=body, headers=bearing(plain))
        assert refused.status_code == 403
        assert "rotate:force" in refused.json()["detail"]
        assert (await caller.post(ROTATE, json={**body, "force": False}, headers=bearing(plain))).status_code == 200
        assert (await caller.post(ROTATE, json=body, headers=bearing(forcing))).status_code == 202


async def admin_facts(settings: Settings) -> list[tuple[str, str, dict[str, str]]]:
    async with open_container(settings) as container:
        entries = await container.trail().entries(after=0, limit=1000)
        await container.verify_audit()()
    return [
        (entry.fact.action, entry.fact.actor, dict(entry.fact.detail))
        for entry in entries
        if entry.fact.action.startswith("admin_")
    ]


async def test_every_call_and_every_refusal_is_audited_with_actor_scope_and_request_id(standard: Settings) -> None:
    token = give_token(file_of(standard), "reader", Scope.READ)
    async with serving(standard) as caller:
        called = await caller.get(KEYS, headers=bearing(token))
        refused = await caller.post(ROTATE, json={"rotation_type": "jwt"}, headers=bearing(token))
        unknown = await caller.get(AUDIT, headers=bearing(new_token(bytes(32))))
        await caller.get(HEALTH, headers=bearing(token))
    assert [answer.status_code for answer in (called, refused, unknown)] == [200, 403, 401]
    ids = [answer.headers["x-request-id"] for answer in (called, refused, unknown)]
    assert len(set(ids)) == 3
    assert await admin_facts(standard) == [
        ("admin_called", "http:reader", detail("GET", KEYS, "read", 200, ids[0])),
        ("admin_refused", "http:reader", detail("POST", ROTATE, "rotate", 403, ids[1])),
        ("admin_refused", "http:unknown", {**detail("GET", AUDIT, "read", 401, ids[2]), "requests": "1"}),
    ]


def detail(method: str, path: str, scope: str, status: int, request_id: str) -> dict[str, str]:
    return {"route": f"{method} {path}", "scope": scope, "status": str(status), "request_id": request_id}


async def test_a_call_that_breaks_is_audited_as_a_failure(embedded: Settings) -> None:
    async def broken(_scope: ScopeOfAsgi, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    async with open_container(embedded) as container:
        gate = Gate(
            broken,
            {one: broken for one, rule in DOORS.items() if rule.kind is Kind.PUBLIC},
            lambda: container,
            is_embedded=True,
        )
        transport = httpx2.ASGITransport(app=gate, client=HERE)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as caller:
            with pytest.raises(ZeroDivisionError):
                await caller.get(KEYS)
    ((action, actor, told),) = await admin_facts(embedded)
    assert (action, actor, told["status"]) == ("admin_failed", "http:loopback", "500")


async def test_a_flood_of_strangers_makes_few_entries(standard: Settings) -> None:
    async with serving(standard) as caller:
        for _ in range(50):
            assert await knock(caller, ("GET", KEYS), bearing(new_token(bytes(32)))) == 401
    told = await admin_facts(standard)
    assert 0 < len(told) <= 5


class MovableLoop(asyncio.SelectorEventLoop):
    """Its time passes as elsewhere, and also by what somebody adds."""

    added_s = 0.0

    def time(self) -> float:
        return super().time() + self.added_s


async def _ask_for_hours(settings: Settings, loop: MovableLoop) -> None:
    async def unreached(_scope: ScopeOfAsgi, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    public = {one: unreached for one, rule in DOORS.items() if rule.kind is Kind.PUBLIC}
    async with open_container(settings) as container:
        transport = httpx2.ASGITransport(
            app=Gate(unreached, public, lambda: container, is_embedded=False), client=HERE, raise_app_exceptions=False
        )
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as caller:
            for pause_s in (10, 10, 10, 3600 - 40, 10, 10):
                assert await knock(caller, ("GET", KEYS), bearing(new_token(bytes(32)))) == 401
                loop.added_s += pause_s


def test_strangers_stand_in_the_audit_trail_once_an_hour_and_in_the_log_each_time(
    standard: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    loop = MovableLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_ask_for_hours(standard, loop))
        told = runner.run(admin_facts(standard))
    assert [(action, actor, more["requests"]) for action, actor, more in told] == [
        ("admin_refused", "http:unknown", "1"),
        ("admin_refused", "http:unknown", "5"),
    ]
    assert caplog.text.count("call_not_authenticated") == 6


async def test_a_ledger_that_takes_no_entry_does_not_lose_the_answer(
    embedded: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(embedded) as caller:
        (embedded.journal_keys_home / "ledger.sqlite3").write_bytes(b"no database" * 1000)
        answer = await caller.post("/api/v1/infisical/cache/invalidate")
    assert answer.status_code == 200
    assert "admin_call_not_audited" in caplog.text
