"""Who asks too often over HTTP, or by a name that is not ours: what is answered, what is audited, who is not harmed."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from journal_keys.domain.access import new_token
from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.http.doors import DISCOVERY, HEALTH, JWKS, KEYS, ROTATE, WEBHOOK
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.support.embedded import make_rings, settings_in
from tests.support.hooks import PROJECT, SECRET, modified, signed
from tests.support.redis_server import RedisServer
from tests.support.serving import serving
from tests.support.tokens import bearing, give_token

ISSUER = "https://auth.example.org/"
NUMBER = 3


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(
        tmp_path,
        journal_infisical_webhook_secret=SECRET,
        journal_infisical_project_id=PROJECT,
        journal_admin_tokens_file=tmp_path / "tokens.json",
        journal_reconcile_interval=3600,
        journal_http_rate_admin=f"{NUMBER}/hour",
        journal_http_rate_webhook=f"{NUMBER}/hour",
        journal_http_rate_jwks=f"{NUMBER}/hour",
    )
    await make_rings(made)
    return made


def token_of(settings: Settings, name: str) -> dict[str, str]:
    assert settings.admin_tokens_file is not None
    return bearing(give_token(settings.admin_tokens_file, name, *Scope))


async def deliver(caller: httpx2.AsyncClient, more: int, secret: str = SECRET) -> int:
    now = datetime.now(UTC)
    body = modified(now, more=more)
    return (await caller.post(WEBHOOK, content=body, headers=signed(body, now, secret))).status_code


async def test_each_token_has_calls_of_its_own_and_strangers_have_none_of_theirs(
    settings: Settings, caller: httpx2.AsyncClient
) -> None:
    deploy, watch = token_of(settings, "deploy"), token_of(settings, "watch")
    wrong = bearing(new_token(bytes(32)))
    guesses = [(await caller.get(KEYS, headers=wrong)).status_code for _ in range(NUMBER + 2)]
    assert guesses == [401] * NUMBER + [429] * 2
    for headers in (deploy, watch, None):
        codes = [(await caller.get(KEYS, headers=headers)).status_code for _ in range(NUMBER + 1)]
        assert codes == [200] * NUMBER + [429]


async def test_a_refusal_says_when_to_come_back_and_what_is_allowed(caller: httpx2.AsyncClient) -> None:
    for _ in range(NUMBER):
        await caller.get(KEYS)
    answer = await caller.get(KEYS)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert answer.headers["content-type"] == "application/problem+json"
    assert f"{NUMBER}/hour" in answer.json()["detail"]


async def test_callers_who_are_refused_for_other_reasons_are_counted_as_strangers_too(
    caller: httpx2.AsyncClient,
) -> None:
    codes = [(await caller.get(KEYS, headers={"Origin": "https://evil.org"})).status_code for _ in range(NUMBER + 2)]
    assert codes == [403] * NUMBER + [429] * 2


async def test_health_is_not_counted_so_that_who_watches_never_goes_blind(caller: httpx2.AsyncClient) -> None:
    assert {(await caller.get(HEALTH)).status_code for _ in range(NUMBER * 3)} == {200}
    wrong = bearing(new_token(bytes(32)))
    assert {(await caller.get(HEALTH, headers=wrong)).status_code for _ in range(NUMBER * 3)} == {401}


async def test_a_flood_of_a_known_caller_makes_few_entries(settings: Settings, caller: httpx2.AsyncClient) -> None:
    deploy = token_of(settings, "deploy")
    for _ in range(NUMBER + 60):
        await caller.get(KEYS, headers=deploy)
    async with open_container(settings) as container:
        entries = await container.trail().entries(after=0, limit=1000)
    of_deploy = [entry.fact for entry in entries if entry.fact.actor == "http:deploy"]
    refused = [fact for fact in of_deploy if fact.detail["status"] == "429"]
    assert len(of_deploy) - len(refused) == NUMBER
    assert 1 <= len(refused) < 20


async def test_forged_deliveries_take_no_genuine_one_s_place(caller: httpx2.AsyncClient) -> None:
    assert [await deliver(caller, more, "guessed") for more in range(NUMBER + 1)] == [401] * NUMBER + [429]
    assert [await deliver(caller, more) for more in range(NUMBER + 1)] == [200] * NUMBER + [429]


async def test_the_key_set_and_what_leads_there_are_counted_together(settings: Settings) -> None:
    found = settings.model_copy(update={"journal_http_discovery": True, "journal_jwt_issuer": ISSUER})
    async with serving(found) as caller:
        codes = [(await caller.get(path)).status_code for path in (DISCOVERY, JWKS, JWKS, JWKS, DISCOVERY)]
    assert codes == [200, 200, 200, 503, 503]


async def until_served(caller: httpx2.AsyncClient, headers: Mapping[str, str]) -> None:
    """On a busy machine an answer of Redis may come too late: then it is a 503, and left alone for a second."""
    async with asyncio.timeout(20):
        while (answer := await caller.get(KEYS, headers=headers)).status_code == 503:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.2)
    assert answer.status_code == 200


async def test_with_redis_gone_the_admin_plane_and_the_webhook_close_and_the_key_set_stays(
    settings: Settings, own_redis: RedisServer
) -> None:
    shared = settings.model_copy(update={"journal_redis_url": SecretStr(own_redis.url)})
    deploy = token_of(shared, "deploy")
    async with serving(shared) as caller:
        await until_served(caller, deploy)
        own_redis.stop()
        closed = await caller.get(KEYS, headers=deploy)
        assert closed.status_code == 503
        assert "command line" in closed.json()["detail"]
        assert [await deliver(caller, 2), await deliver(caller, 3, "guessed")] == [503, 503]
        assert (await caller.get(KEYS, headers=bearing(new_token(bytes(32))))).status_code == 503
        assert [(await caller.get(JWKS)).status_code for _ in range(NUMBER + 1)] == [200] * NUMBER + [503]
        assert (await caller.get(HEALTH)).status_code == 200


async def test_instances_count_together_in_redis(settings: Settings, own_redis: RedisServer) -> None:
    shared = settings.model_copy(update={"journal_redis_url": SecretStr(own_redis.url)})
    deploy = token_of(shared, "deploy")
    async with serving(shared) as one, serving(shared) as two:
        asked = [caller.get(KEYS, headers=deploy) for caller in (one, two) for _ in range(NUMBER)]
        codes = [answer.status_code for answer in await asyncio.gather(*asked)]
    # where an answer of Redis comes too late, it is a 503, counted or not
    assert codes.count(200) <= NUMBER
    assert codes.count(429) >= NUMBER - codes.count(503)
    assert set(codes) <= {200, 429, 503}


HOSTS = [
    "",
    "evil.example.org",
    "auth.example.org.evil.org",
    "auth.example.org:x",
    "auth.example.org:99999",
    "a b",
    "[::1",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_another_host_is_answered_421_and_nothing_else(settings: Settings, host: str) -> None:
    named = settings.model_copy(update={"journal_http_hosts": "auth.example.org"})
    deploy = token_of(named, "deploy")
    async with serving(named) as caller:
        for path, headers in ((JWKS, {}), (KEYS, deploy)):
            answer = await caller.get(path, headers={**headers, "Host": host})
            assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")
            assert "JOURNAL_HTTP_HOSTS" in answer.json()["detail"]
        assert (await caller.post(WEBHOOK, content=b"{}", headers={"Host": host})).status_code == 421


@pytest.mark.parametrize("host", ["auth.example.org", "AUTH.example.org:8443"])
async def test_the_hosts_that_are_named_are_served_and_a_page_of_theirs_still_rotates_nothing(
    settings: Settings, host: str
) -> None:
    named = settings.model_copy(update={"journal_http_hosts": "auth.example.org"})
    async with serving(named) as caller:
        assert (await caller.get(JWKS, headers={"Host": host})).status_code == 200
        assert (await caller.get(KEYS, headers={"Host": host})).status_code == 403
        assert (await caller.get(JWKS)).status_code == 200
        assert (await caller.get(JWKS, headers={"Host": "other.example.org"})).status_code == 421


async def test_discovery_leads_from_the_issuer_to_the_key_set(settings: Settings) -> None:
    found = settings.model_copy(update={"journal_http_discovery": True, "journal_jwt_issuer": ISSUER})
    async with serving(found) as caller:
        answer = await caller.get(DISCOVERY)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.headers["cache-control"] == "public, max-age=2"
        assert answer.json() == {
            "issuer": ISSUER,
            "jwks_uri": f"https://auth.example.org{JWKS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
        }


async def test_discovery_is_off_unless_it_is_asked_for(caller: httpx2.AsyncClient) -> None:
    answer = await caller.get(DISCOVERY)
    assert answer.status_code == 404
    assert "JOURNAL_HTTP_DISCOVERY" in answer.json()["detail"]


async def test_a_body_that_is_refused_is_audited_as_what_it_was_and_has_its_id(
    settings: Settings, caller: httpx2.AsyncClient
) -> None:
    answer = await caller.post(ROTATE, content=b"x" * 20_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, len(answer.headers["x-request-id"])) == (413, 32)
    async with open_container(settings) as container:
        entries = await container.trail().entries(after=0, limit=1000)
    (fact,) = [one.fact for one in entries if one.fact.detail.get("request_id") == answer.headers["x-request-id"]]
    assert (fact.action, fact.detail["status"], fact.actor) == ("admin_refused", "413", "http:loopback")


async def test_head_is_answered_as_get_where_everybody_may_ask(settings: Settings) -> None:
    found = settings.model_copy(update={"journal_http_discovery": True, "journal_jwt_issuer": ISSUER})
    async with serving(found) as caller:
        for path in (JWKS, DISCOVERY):
            assert (await caller.head(path)).status_code == 200
        assert {(await caller.head(path)).status_code for path in (WEBHOOK, HEALTH, KEYS)} == {405}
