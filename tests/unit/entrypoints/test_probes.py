"""Three questions: does the process live, may it be sent traffic, can keys be used and changed."""

import asyncio
import logging
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.http.doors import HEALTH, JWKS, LIVE, READY
from journal_keys.entrypoints.http.probes import Ready
from journal_keys.entrypoints.settings import Profile, Settings
from tests.support.away import ledger_away_meanwhile
from tests.support.embedded import make_rings, settings_in
from tests.support.serving import serving
from tests.support.tokens import bearing, give_token

STRANGER = ("203.0.113.7", 5)
HERE = ("127.0.0.1", 5)
TTL_S = 0.4


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path, journal_reconcile_interval=0.1, journal_admin_tokens_file=tmp_path / "tokens.json")
    await make_rings(made)
    return made


async def asked(caller: httpx2.AsyncClient, path: str) -> tuple[int, object]:
    answer = await caller.get(path)
    return answer.status_code, answer.json()


async def test_a_service_in_rest_lives_and_is_ready_and_says_nothing_more(settings: Settings) -> None:
    async with serving(settings, STRANGER) as caller:
        assert await asked(caller, LIVE) == (200, {"status": "alive"})
        assert await asked(caller, READY) == (200, {"status": "ready"})
        for path in (LIVE, READY):
            answer = await caller.head(path)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_probes_call_by_address_and_the_key_set_is_not_served_so(settings: Settings) -> None:
    async with serving(settings, STRANGER) as caller:
        by_address = {"Host": "10.1.2.3:8000"}
        codes = [(await caller.get(path, headers=by_address)).status_code for path in (LIVE, READY, JWKS, HEALTH)]
    assert codes == [200, 200, 421, 403]


async def test_no_rate_stands_before_them(settings: Settings) -> None:
    narrow = settings.model_copy(update={"journal_http_rate_jwks": "1/hour", "journal_http_rate_admin": "1/hour"})
    async with serving(narrow, STRANGER) as caller:
        assert [(await caller.get(JWKS)).status_code for _ in range(2)] == [200, 503]
        answers = await asyncio.gather(*(caller.get(path) for path in (LIVE, READY) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}


async def test_before_the_start_and_after_the_end_it_lives_and_is_not_ready(settings: Settings) -> None:
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app, client=STRANGER)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as caller:
        closed = [(200, {"status": "alive"}), (503, {"status": "not ready"})]
        assert [await asked(caller, path) for path in (LIVE, READY)] == closed
        async with app.router.lifespan_context(app):
            assert (await asked(caller, READY))[0] == 200
        assert [await asked(caller, path) for path in (LIVE, READY)] == closed


async def until(caller: httpx2.AsyncClient, path: str, code: int) -> httpx2.Response:
    async with asyncio.timeout(20):
        while (answer := await caller.get(path)).status_code != code:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.05)
    return answer


async def test_ready_ends_when_the_views_get_too_old_and_comes_back_and_the_process_lives_all_the_time(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "journal_keys")
    quick = settings.model_copy(
        update={"journal_infisical_cache_ttl": TTL_S, "journal_jwks_max_age": TTL_S, "journal_ledger_poll": 0.05}
    )
    async with serving(quick) as caller:
        await until(caller, READY, 200)
        async with ledger_away_meanwhile(settings.journal_keys_home):
            answer = await until(caller, READY, 503)
            assert answer.json() == {"status": "not ready"}
            assert await asked(caller, LIVE) == (200, {"status": "alive"})
            detail = (await caller.get(HEALTH)).json()["readiness"]
            assert detail["status"] == "not ready"
            assert f"ring was not confirmed within {TTL_S:g} s" in detail["reason"]
            for _ in range(5):
                await caller.get(READY)
        await until(caller, READY, 200)
    told = [
        record.getMessage() for record in caplog.records if record.getMessage().startswith(("not_ready", "ready_again"))
    ]
    assert told[0].startswith("not_ready because=")
    assert told[-1] == "ready_again"
    assert all(one != before for before, one in pairwise(told)), "once for each change"


async def test_what_is_in_the_way_is_logged_once_for_each_change(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "journal_keys")
    states = iter([(), ("a",), ("a",), ("a", "b"), (), ()])
    transport = httpx2.ASGITransport(app=Ready(lambda: next(states)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as caller:
        codes = [(await caller.get(READY)).status_code for _ in range(6)]
    assert codes == [200, 503, 503, 503, 200, 200]
    told = [record.getMessage() for record in caplog.records]
    assert told == ["not_ready because=a", 'not_ready because="a; b"', "ready_again"]


async def test_a_background_task_that_ended_is_in_the_way(settings: Settings) -> None:
    async with serving(settings) as caller:
        (task,) = [one for one in asyncio.all_tasks() if one.get_name() == "journal_keys reconciler"]
        task.cancel()
        await asyncio.wait({task})
        assert await asked(caller, READY) == (503, {"status": "not ready"})
        reason = (await caller.get(HEALTH)).json()["readiness"]["reason"]
    assert reason == "the journal_keys reconciler has ended"


async def test_two_hundred_health_calls_at_once_are_answered_by_one_look(settings: Settings) -> None:
    async with serving(settings.model_copy(update={"journal_reconcile_interval": 60.0})) as caller:
        answers = await asyncio.gather(*(caller.get(HEALTH) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["timestamp"] for answer in answers}) == 1


async def test_why_a_part_is_not_well_is_told_to_who_has_the_scope_and_to_nobody_else(settings: Settings) -> None:
    assert settings.admin_tokens_file is not None
    reads = bearing(give_token(settings.admin_tokens_file, "reads", Scope.READ))
    standard = settings.model_copy(
        update={"journal_keys_profile": Profile.STANDARD, "journal_infisical_cache_ttl": 300.0}
    )
    settings.vault_file.rename(settings.vault_file.with_name("elsewhere"))
    told = dict[str, dict[str, object]]()
    for name, (chosen, client, headers) in {
        "token": (standard, STRANGER, reads),
        "direct, embedded": (settings, HERE, {}),
        "direct, standard": (standard, HERE, {}),
        "direct, standard, token": (standard, HERE, reads),
    }.items():
        settings.vault_file.with_name("elsewhere").rename(settings.vault_file)
        async with serving(chosen, client) as caller:
            settings.vault_file.rename(settings.vault_file.with_name("elsewhere"))
            await asyncio.sleep(0.15)
            told[name] = (await caller.get(HEALTH, headers=headers)).json()
    detailed = [name for name, body in told.items() if "reason" in str(body)]
    assert detailed == ["token", "direct, embedded", "direct, standard, token"]
    bare = told["direct, standard"]
    assert bare.keys() == {"overall_status", "jwt_system", "aes_system", "infisical_connection", "timestamp"}
    assert bare["infisical_connection"] == {"status": "unhealthy"}
    connection = told["token"]["infisical_connection"]
    assert isinstance(connection, dict)
    assert "vault.jkv" in connection["reason"]
    assert [body["overall_status"] for body in told.values()] == ["degraded"] * 4
