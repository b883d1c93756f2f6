"""The HTTP service: the guide's bodies, who may call, and what errors say."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from journal_keys import InfisicalSecretsClient
from journal_keys.adapters.embedded.files import locked
from journal_keys.adapters.embedded.vault import open_vault
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.paths import MARKER_NAME, versions_folder
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.http.loopback import refusal
from journal_keys.entrypoints.settings import Settings
from tests.support.embedded import make_rings, settings_in
from tests.support.serving import serving

ROTATE = "/api/v1/infisical/rotate"
INVALIDATE = "/api/v1/infisical/cache/invalidate"
HEALTH = "/api/v1/infisical/health"
JWKS = "/.well-known/jwks.json"
METRICS = "/metrics"
COUNTS_S = 0.1
"""How long a look at health counts where reconcile passes as often."""


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path)
    await make_rings(made)
    return made


async def test_health_is_the_guide_s_body(caller: httpx2.AsyncClient) -> None:
    answer = await caller.get(HEALTH)
    body = answer.json()
    assert answer.status_code == 200
    guide = {"overall_status", "jwt_system", "aes_system", "infisical_connection", "timestamp"}
    assert body.keys() == guide | {"readiness"}
    assert body["overall_status"] == "healthy"
    assert body["jwt_system"] == body["infisical_connection"] == {"status": "healthy"}
    assert body["aes_system"]["active_kid"].startswith("aes_")


def drop_rings(home: Path) -> None:
    with closing(sqlite3.connect(home / "ledger.sqlite3", timeout=30)) as ledger:
        ledger.execute("DROP TABLE rings")


async def test_a_lost_vault_is_degraded_and_a_lost_ledger_is_unhealthy(settings: Settings) -> None:
    async with serving(settings.model_copy(update={"journal_reconcile_interval": COUNTS_S})) as caller:
        settings.vault_file.unlink()
        answer = await caller.get(HEALTH)
        assert (answer.status_code, answer.json()["overall_status"]) == (200, "degraded")
        connection = answer.json()["infisical_connection"]
        assert connection["status"] == "unhealthy"
        assert "restore it" in connection["reason"]
        await asyncio.to_thread(drop_rings, settings.journal_keys_home)
        await asyncio.sleep(COUNTS_S)
        answer = await caller.get(HEALTH)
        assert (answer.status_code, answer.json()["overall_status"]) == (503, "unhealthy")
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("kind", ["jwt", "aes", "both"])
async def test_a_rotation_that_is_not_due_says_so(caller: httpx2.AsyncClient, kind: str) -> None:
    answer = await caller.post(ROTATE, json={"rotation_type": kind, "force": False})
    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"status", "rotation_type", "force", "submitted_at", "results"}
    assert (body["status"], body["rotation_type"], body["force"]) == ("done", kind, False)
    families = ["jwt", "aes"] if kind == "both" else [kind]
    assert {name: result["outcome"] for name, result in body["results"].items()} == dict.fromkeys(families, "not_due")


async def test_a_forced_rotation_waits_for_its_window_and_says_until_when(caller: httpx2.AsyncClient) -> None:
    answer = await caller.post(ROTATE, json={"rotation_type": "both", "force": True, "reason": "Manual rotation"})
    body = answer.json()
    assert (answer.status_code, body["status"]) == (202, "waiting")
    for result in body["results"].values():
        assert result.keys() == {"outcome", "old_kid", "new_kid", "generation", "ready_at", "because"}


async def test_a_forced_rotation_past_its_window_gives_both_kids(tmp_path: Path) -> None:
    quick = settings_in(
        tmp_path,
        journal_jwks_max_age=0.01,
        journal_infisical_cache_ttl=0.01,
        journal_ledger_poll=0.005,
        journal_clock_skew=0,
        journal_reconcile_interval=COUNTS_S,
    )
    await make_rings(quick)
    async with serving(quick) as caller:
        before = (await caller.get(HEALTH)).json()["aes_system"]["active_kid"]
        answer = await caller.post(ROTATE, json={"rotation_type": "aes", "force": True})
        result = answer.json()["results"]["aes"]
        assert (answer.status_code, result["outcome"], result["old_kid"]) == (200, "rotated", before)
        await asyncio.sleep(COUNTS_S)
        assert (await caller.get(HEALTH)).json()["aes_system"]["active_kid"] == result["new_kid"]


async def test_both_reports_each_ring_even_if_the_other_fails(tmp_path: Path) -> None:
    quick = settings_in(
        tmp_path,
        journal_jwks_max_age=0.01,
        journal_infisical_cache_ttl=0.01,
        journal_ledger_poll=0.005,
        journal_clock_skew=0,
        journal_reconcile_interval=3600,
    )
    await make_rings(quick)
    async with serving(quick) as caller:
        vault = open_vault(quick.vault_file, SystemEntropy(), master=None)
        await vault.delete(versions_folder("jwt").child(MARKER_NAME))
        answer = await caller.post(ROTATE, json={"rotation_type": "both", "force": True})
        body = answer.json()
        assert (answer.status_code, body["status"]) == (200, "partial")
        assert body["results"]["jwt"]["outcome"] == "failed"
        assert MARKER_NAME in body["results"]["jwt"]["error"]
        assert body["results"]["aes"]["outcome"] == "rotated"
        with locked(quick.vault_file):  # whoever writes it now would put it back
            quick.vault_file.unlink()
        answer = await caller.post(ROTATE, json={"rotation_type": "jwt", "force": True})
        assert (answer.status_code, answer.json()["status"]) == (503, "failed")


MALFORMED: dict[str, tuple[Any, str, str]] = {
    "unknown type": ({"rotation_type": "canary-input"}, "rotation_type", "'jwt', 'aes' or 'both'"),
    "no type": ({"force": True}, "rotation_type", "required"),
    "number for a boolean": ({"rotation_type": "jwt", "force": 1}, "force", "boolean"),
    "text for a boolean": ({"rotation_type": "jwt", "force": "canary-input"}, "force", "boolean"),
    "extra member": ({"rotation_type": "jwt", "canary-input": "canary-input"}, "body", "not permitted"),
    "empty reason": ({"rotation_type": "jwt", "reason": ""}, "reason", "1 to 500"),
    "line in the reason": ({"rotation_type": "jwt", "reason": "canary-input\nforged line"}, "reason", "printable"),
    "long reason": ({"rotation_type": "jwt", "reason": "x" * 501}, "reason", "1 to 500"),
    "list": (["canary-input"], "body", "dictionary"),
}


@pytest.mark.parametrize(("body", "where", "expected"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_request_is_a_problem_that_says_what_was_expected_and_repeats_nothing(
    caller: httpx2.AsyncClient, body: object, where: str, expected: str
) -> None:
    answer = await caller.post(ROTATE, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["where"] == where
    assert expected in error["expected"]
    assert "canary-input" not in answer.text


NO_JSON: dict[str, bytes] = {
    "cut off": b"{canary",
    "nothing": b" ",
    "a member twice": b'{"rotation_type": "jwt", "rotation_type": "aes"}',
    "deep": b"[" * 8_000,
    "number of many digits": b'{"rotation_type": ' + b"9" * 8_000 + b"}",
    "not a number": b'{"rotation_type": NaN}',
    "no UTF-8": b'{"rotation_type": "\xff"}',
}


@pytest.mark.parametrize("content", NO_JSON.values(), ids=NO_JSON.keys())
async def test_a_body_that_is_no_strict_json_is_a_problem_that_says_so(
    caller: httpx2.AsyncClient, content: bytes
) -> None:
    answer = await caller.post(ROTATE, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "the request is malformed")
    assert answer.json()["errors"] == [
        {"where": "body", "what": "json_invalid", "expected": "JSON without repeated members"}
    ]


async def test_a_body_that_is_too_large_is_a_problem(caller: httpx2.AsyncClient) -> None:
    typed = {"content-type": "application/json"}
    large = json.dumps({"rotation_type": "jwt", "reason": "x" * 20_000}).encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield large[:10_000]
        yield large[10_000:]

    for body in (large, pieces()):
        answer = await caller.post(ROTATE, content=body, headers=typed)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert "16384 bytes" in answer.json()["detail"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_unknown_routes_and_methods_are_problems(caller: httpx2.AsyncClient) -> None:
    for answer, status in (
        (await caller.get("/nothing"), 404),
        (await caller.get(ROTATE), 405),
        (await caller.get("/docs"), 404),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_cached_secrets_are_forgotten_by_pattern_and_counted(settings: Settings) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app), InfisicalSecretsClient(settings) as client:
        await client.store_secret("/database/x", "v")
    async with serving(settings) as caller:
        for pattern, status in (("/*", 200), ("/auth/*", 200), ("/database/x", 200), ("auth/*", 400), ("/a/../b", 400)):
            answer = await caller.post(INVALIDATE, params={"pattern": pattern})
            assert answer.status_code == status, pattern
            assert (answer.json() == {"invalidated": 0}) == (status == 200)
        assert (await caller.post(INVALIDATE)).json() == {"invalidated": 0}


async def test_the_key_set_holds_public_keys_of_every_accepted_state(caller: httpx2.AsyncClient) -> None:
    answer = await caller.get(JWKS)
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] in {
        f"public, max-age={max(0, 2 - late)}, stale-if-error=58" for late in range(3)
    }  # a late refresh shortens both
    keys = answer.json()["keys"]
    assert len(keys) == 2
    for key in keys:
        assert key.keys() == {"kty", "crv", "x", "kid", "alg", "use"}


async def test_an_unchanged_key_set_is_not_sent_again(caller: httpx2.AsyncClient) -> None:
    first = await caller.get(JWKS)
    again = await caller.get(JWKS, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert (await caller.get(JWKS, headers={"If-None-Match": '"other"'})).status_code == 200


REFUSED: dict[str, dict[str, str]] = {
    "foreign host": {"host": "evil.example"},
    "rebound host": {"host": "127.0.0.1.evil.example"},
    "user in host": {"host": "localhost@evil.example"},
    "host with a path": {"host": "localhost/x"},
    "host with a bad port": {"host": "localhost:99999"},
    "host before brackets": {"host": "evil.example[::1]"},
    "host behind brackets": {"host": "[::1]evil.example:80"},
    "foreign origin": {"origin": "https://evil.example"},
    "null origin": {"origin": "null"},
    "other port's origin": {"origin": "http://localhost:9000"},
    "cross-site": {"sec-fetch-site": "cross-site"},
    "same-site": {"sec-fetch-site": "same-site"},
    "forwarded": {"forwarded": "for=10.0.0.1"},
    "x-forwarded-for": {"x-forwarded-for": "10.0.0.1"},
    "x-real-ip": {"x-real-ip": "10.0.0.1"},
    "via": {"via": "1.1 proxy"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("path", [HEALTH, ROTATE, METRICS])
async def test_no_web_page_and_no_proxy_gets_through(
    caller: httpx2.AsyncClient, headers: dict[str, str], path: str
) -> None:
    answer = await caller.request("POST" if path == ROTATE else "GET", path, headers=headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "evil" not in answer.text


@pytest.mark.parametrize("peer", ["10.0.0.1", "192.168.1.1", "8.8.8.8", "::2", "testclient"])
async def test_callers_from_elsewhere_are_refused(settings: Settings, peer: str) -> None:
    async with serving(settings, client=(peer, 5)) as caller:
        assert (await caller.get(HEALTH)).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000"])
async def test_every_name_of_this_machine_s_loopback_is_served(caller: httpx2.AsyncClient, host: str) -> None:
    own = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert (await caller.get(HEALTH, headers=own)).status_code == 200


def test_a_request_without_a_peer_or_with_two_hosts_is_refused() -> None:
    scope = {"type": "http", "client": None, "headers": [(b"host", b"localhost")]}
    assert refusal(scope) is not None
    twice = [(b"host", b"localhost"), (b"host", b"localhost")]
    assert refusal({"type": "http", "client": ("127.0.0.1", 1), "headers": twice}) is not None
    assert refusal({"type": "http", "client": ("127.0.0.1", 1), "headers": twice[:1]}) is None


async def test_answers_carry_the_headers_that_browsers_heed(caller: httpx2.AsyncClient) -> None:
    headers = (await caller.get(HEALTH)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")


async def test_figures_have_the_guide_s_names_and_say_what_the_rings_are(settings: Settings) -> None:
    async with serving(settings) as caller:
        answer = await caller.get(METRICS)
        kid = (await caller.get(HEALTH)).json()["aes_system"]["active_kid"]
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    for name in ("fetch", "fetch_errors", "cache_hit", "cache_miss"):
        assert f"# TYPE infisical_{name}_total counter" in answer.text
    assert "# TYPE infisical_fetch_duration_seconds histogram" in answer.text
    for family in ("jwt", "aes"):
        assert f"# TYPE {family}_key_rotation_total counter" in answer.text
        assert f'journal_keys_ring_generation{{ring="{family}"}} 1.0' in answer.text
        for name in ("view_confirmed", "active_key_since", "rotation_due"):
            assert f'journal_keys_{name}_timestamp_seconds{{ring="{family}"}} 1' in answer.text
    assert "journal_keys_aes_encryptions 0.0" in answer.text
    assert kid not in answer.text, "a key is no label: every rotation would begin new series"


async def fetched(caller: httpx2.AsyncClient, name: str, **labels: str) -> float:
    """Add up what the service counted of the versions of signing keys under this name, with at least these labels."""
    wanted = {"path": str(versions_folder("jwt")), **labels}
    metrics = text_string_to_metric_families((await caller.get(METRICS)).text)
    samples = (sample for metric in metrics for sample in metric.samples if sample.name == name)
    return sum(sample.value for sample in samples if wanted.items() <= sample.labels.items())


async def test_figures_tell_how_often_the_service_itself_asked_the_store_and_how_often_it_failed(
    settings: Settings,
) -> None:
    async with serving(settings.model_copy(update={"journal_reconcile_interval": COUNTS_S})) as caller:
        answers = await fetched(caller, "infisical_fetch_total", source="store")
        assert answers > 0, "it has read the keys"
        assert await fetched(caller, "infisical_fetch_duration_seconds_count") >= answers
        failures = await fetched(caller, "infisical_fetch_errors_total", error="SecretStoreUnavailableError")
        settings.vault_file.unlink()
        await caller.get(HEALTH)
        assert await fetched(caller, "infisical_fetch_errors_total", error="SecretStoreUnavailableError") > failures
        assert await fetched(caller, "infisical_fetch_total", source="none") > 0
        misses = await fetched(caller, "infisical_cache_miss_total")
        assert misses == 0, "reads past every cache say nothing of a cache"


async def test_figures_are_given_in_the_newer_format_to_who_asks_for_it(caller: httpx2.AsyncClient) -> None:
    answer = await caller.get(METRICS, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_figures_of_a_service_that_has_not_started_are_a_problem(settings: Settings) -> None:
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as caller:
        answer = await caller.get(METRICS)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
