"""An application of somebody's own: who calls, what is signed and encrypted, and what is served beside it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Request, WebSocket
from fastapi.middleware.trustedhost import TrustedHostMiddleware

from journal_keys import (
    Principal,
    PrincipalDep,
    SignerDep,
    SigningKeyDep,
    TokenCipherDep,
    install,
    require_scopes,
)
from journal_keys.domain import base64url
from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.http.dependencies import InstalledKeys
from journal_keys.entrypoints.http.doors import DISCOVERY, DOORS, HEALTH, JWKS, KEYS, ROTATE, Kind
from journal_keys.entrypoints.http.install import OWN, STATE
from journal_keys.entrypoints.settings import Profile, Settings
from tests.support.embedded import make_rings, settings_in
from tests.support.tokens import bearing, give_token

ISSUER = AUDIENCE = "journal"


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path, journal_jwt_longest_token=600)
    await make_rings(made)
    return made


def application(settings: Settings, **named: Any) -> FastAPI:  # noqa: ANN401 (FastAPI's own)
    app = FastAPI(telemetry={"auto_configure": False}, **named)
    install(app, settings)

    @app.post("/sign")
    async def sign(claims: dict[str, Any], signer: SignerDep) -> str:
        return signer.sign(claims, lifetime=timedelta(seconds=300))

    @app.get("/me")
    async def me(principal: PrincipalDep) -> dict[str, Any]:
        return {"subject": principal.subject, "scopes": sorted(principal.scopes), "iss": principal.claims["iss"]}

    @app.get("/notes")
    async def notes(principal: Annotated[Principal, require_scopes("notes:read", "notes:list")]) -> str:
        return principal.subject

    @app.get("/kid")
    async def kid(key: SigningKeyDep) -> str:
        return key.kid

    @app.post("/seal/{text}")
    async def seal(text: str, cipher: TokenCipherDep) -> bool:
        return cipher.decrypt(cipher.encrypt(text)) == text

    @app.get("/metrics")
    async def metrics() -> str:
        return "the application's own"

    return app


@asynccontextmanager
async def calling(app: FastAPI, client: tuple[str, int] = ("127.0.0.1", 5)) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, client=client, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://app.example.org") as caller,
    ):
        yield caller


@pytest.fixture
async def caller(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with calling(application(settings)) as made:
        yield made


async def token_of(caller: httpx2.AsyncClient, **claims: object) -> str:
    return str((await caller.post("/sign", json={"sub": "alice"} | claims)).json())


async def shown(caller: httpx2.AsyncClient, token: str, path: str = "/me") -> httpx2.Response:
    return await caller.get(path, headers={"Authorization": f"Bearer {token}"})


async def test_a_good_token_says_who_calls(caller: httpx2.AsyncClient) -> None:
    answer = await shown(caller, await token_of(caller, scope="notes:read notes:list"))
    assert answer.json() == {"subject": "alice", "scopes": ["notes:list", "notes:read"], "iss": ISSUER}


async def test_scopes_are_asked_for_by_name_and_who_lacks_one_is_told_which(caller: httpx2.AsyncClient) -> None:
    assert (await shown(caller, await token_of(caller, scope="notes:list notes:read x"), "/notes")).status_code == 200
    for scope in ("", "notes:read", "notes:readnotes:list", "NOTES:READ NOTES:LIST"):
        answer = await shown(caller, await token_of(caller, scope=scope), "/notes")
        assert answer.status_code == 403
        challenge = 'Bearer error="insufficient_scope", scope="notes:read notes:list"'
        assert answer.headers["www-authenticate"] == challenge


async def test_without_a_token_the_challenge_names_no_error(caller: httpx2.AsyncClient) -> None:
    token = await token_of(caller)
    for headers in ([], [("Authorization", "Basic YTpi")], [("Authorization", f"Bearer {token}")] * 2):
        answer = await caller.get("/me", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def forged(header: dict[str, Any], claims: dict[str, Any], key: Any, algorithm: str) -> str:  # noqa: ANN401 (PyJWT's own)
    return jwt.encode(claims, key, algorithm=algorithm, headers=header)


async def test_what_is_no_good_token_is_a_401_that_repeats_nothing_of_it(caller: httpx2.AsyncClient) -> None:
    good = await token_of(caller)
    head, body, mac = good.split(".")
    claims, header = jwt.decode(good, options={"verify_signature": False}), jwt.get_unverified_header(good)
    public = (await caller.get(JWKS)).json()["keys"][0]["x"]
    own = Ed25519PrivateKey.generate()
    for bad in (
        "x",
        f"{head}.{body}",
        f"{head}.{body}.{mac[:-4]}AAAA",
        f"{head}.{base64url.encode(json.dumps(claims | {'sub': 'mallory'}).encode())}.{mac}",
        forged(header, claims, own, "EdDSA"),
        forged(header | {"alg": "none"}, claims, None, "none"),
        forged(header | {"alg": "HS256"}, claims, base64url.decode(public), "HS256"),
        forged(header | {"kid": "jwt_unknown"}, claims, own, "EdDSA"),
        forged(header | {"typ": "JWT"}, claims, own, "EdDSA"),
        await token_of(caller, sub=""),
        await token_of(caller, scope=["notes:read"]),
    ):
        answer = await shown(caller, bad)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"'), bad
        assert all(part not in answer.text for part in bad.split(".") if len(part) > 1)


async def test_keys_are_given_to_who_asks_for_them(caller: httpx2.AsyncClient) -> None:
    keys = (await caller.get(JWKS)).json()["keys"]
    assert (await caller.get("/kid")).json() in {key["kid"] for key in keys}
    assert (await caller.post("/seal/hello")).json() is True


async def test_the_service_s_paths_are_served_behind_its_gate_and_all_others_are_the_application_s(
    settings: Settings,
) -> None:
    standard = settings.model_copy(
        update={"journal_keys_profile": Profile.STANDARD, "journal_infisical_cache_ttl": 300.0}
    )
    async with calling(application(standard)) as caller:
        assert (await caller.get("/metrics")).json() == "the application's own"
        assert "/sign" in (await caller.get("/openapi.json")).json()["paths"]
        assert (await caller.get(JWKS)).headers["content-type"] == "application/jwk-set+json"
        for (method, path), door in DOORS.items():
            if path not in OWN and door.kind is not Kind.PUBLIC:
                assert (await caller.request(method, path)).status_code == 403
        assert (await caller.get(f"{JWKS}/")).json() == {"detail": "Not Found"}


async def test_the_admin_plane_wants_a_token_in_every_profile_since_a_proxy_may_be_in_front(settings: Settings) -> None:
    assert settings.admin_tokens_file is not None
    token = give_token(settings.admin_tokens_file, "deploy", *Scope)
    here = {"Host": "localhost:8000"}
    async with calling(application(settings)) as caller:
        body = {"rotation_type": "jwt", "force": True}
        assert (await caller.post(ROTATE, json=body, headers=here)).status_code == 401
        assert (await caller.post(ROTATE, json=body, headers=bearing(token))).status_code in {200, 202}
        assert (await caller.get(KEYS, headers=here | bearing(token))).status_code == 200
        assert (await caller.get(HEALTH, headers=here)).json()["overall_status"] == "healthy"


async def test_discovery_is_the_application_s_own_unless_it_is_asked_for(settings: Settings) -> None:
    issuer = {"journal_http_discovery": True, "journal_jwt_issuer": "https://auth.example.org"}
    for found, ours in ((settings, False), (settings.model_copy(update=issuer), True)):
        app = application(found)

        @app.get(DISCOVERY)
        async def own() -> str:
            return "the application's own"

        async with calling(app) as caller:
            assert ("issuer" in (await caller.get(DISCOVERY)).json()) is ours


async def test_a_mounted_application_a_websocket_and_a_root_path_have_the_keys_too(settings: Settings) -> None:
    app, below = application(settings), FastAPI(telemetry={"auto_configure": False})
    app.mount("/below", below)

    @below.get("/kid")
    async def kid(key: SigningKeyDep) -> str:
        return key.kid

    @app.websocket("/sign")
    async def sign(socket: WebSocket, signer: SignerDep) -> None:
        await socket.accept()
        await socket.send_text(signer.sign({"sub": "alice"}))
        await socket.close()

    async with calling(app) as caller:
        assert (await caller.get("/below/kid")).status_code == 200
        sent = list[Any]()

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:  # noqa: ANN401 (as ASGI has it)
            sent.append(message)

        scope = {"type": "websocket", "path": "/sign", "headers": [], "query_string": b"", "subprotocols": []}
        await app(scope, receive, send)
        assert sent[1]["text"].count(".") == 2
        transport = httpx2.ASGITransport(app=app, root_path="/api")
        async with httpx2.AsyncClient(transport=transport, base_url="http://app.example.org") as below_root:
            assert (await below_root.get(f"/api{JWKS}")).status_code == 200
            assert (await below_root.get(f"/api{JWKS}/api")).status_code == 404


async def test_hosts_that_are_set_hold_for_the_service_s_paths_too(settings: Settings) -> None:
    named = settings.model_copy(update={"journal_http_hosts": "keys.example.org"})
    async with calling(application(named)) as caller:
        assert (await caller.get(JWKS)).status_code == 421
        assert (await caller.get("/kid")).status_code == 200


async def test_middleware_and_lifespan_of_the_application_go_on_working(settings: Settings) -> None:
    told = list[str]()

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
        told.append("started")
        yield {"state": "kept"}
        told.append("stopped")

    app = application(settings, lifespan=life)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["app.example.org"])

    @app.get("/state")
    async def state(request: Request) -> str:
        return str(request.state.state)

    async with calling(app) as caller:
        assert (await caller.get("/kid")).status_code == 200
        assert (await caller.get("/kid", headers={"Host": "evil.example.org"})).status_code == 400
        assert told == ["started"]
    assert told == ["started", "stopped"]


async def test_before_the_start_no_key_can_be_had_and_that_is_a_503(settings: Settings) -> None:
    transport = httpx2.ASGITransport(app=application(settings), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://app.example.org") as caller:
        for path in ("/kid", JWKS):
            answer = await caller.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


async def test_an_application_has_its_keys_once(settings: Settings) -> None:
    app = application(settings)
    with pytest.raises(RuntimeError, match="already"):
        install(app, settings)


async def test_an_application_without_keys_is_told_how_to_have_them() -> None:
    app = FastAPI(telemetry={"auto_configure": False})

    @app.get("/me")
    async def me(principal: PrincipalDep) -> str:
        return principal.subject

    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as caller:
        with pytest.raises(RuntimeError, match=r"call journal_keys.install\(app\)"):
            await caller.get("/me")


async def test_a_key_of_another_process_s_rotation_is_found_and_random_kids_cause_one_look_a_second(
    settings: Settings,
) -> None:
    app = application(settings)
    async with calling(app) as caller:
        keys: InstalledKeys = getattr(app.state, STATE)
        good, container = await token_of(caller), keys.container_now()
        header, own = jwt.get_unverified_header(good), Ed25519PrivateKey.generate()
        claims = jwt.decode(good, options={"verify_signature": False})
        before = container.board().signing
        assert before is not None
        began_s, looks = container.clock().uptime_s(), {before.confirmed_s}

        async def knock(number: int) -> int:
            bad = forged(header | {"kid": f"jwt_{number}"}, claims, own, "EdDSA")
            status = (await shown(caller, bad)).status_code
            view = container.board().signing
            assert view is not None
            looks.add(view.confirmed_s)
            return status

        for start in range(0, 500, 50):
            assert set(await asyncio.gather(*(knock(number) for number in range(start, start + 50)))) == {401}
        passed_s = container.clock().uptime_s() - began_s
        assert (await shown(caller, good)).status_code == 200
    polls = passed_s / (0.75 * settings.poll.total_seconds())
    assert len(looks) <= 2 + polls + passed_s
