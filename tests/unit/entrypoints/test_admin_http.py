"""The admin plane over HTTP: what each route does, under whose name, and what it shows."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.http.doors import AUDIT, COMPROMISE, INVALIDATE, JWKS, KEYS, RECONCILE, ROTATE
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.support.embedded import make_rings, settings_in
from tests.support.serving import serving
from tests.support.tokens import bearing, give_token


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path, journal_reconcile_interval=3600)
    await make_rings(made)
    return made


async def keys_in(caller: httpx2.AsyncClient, ring: str = "jwt") -> dict[str, str]:
    """State and kid of each key of the ring, the newest of each state."""
    return {one["state"]: one["kid"] for one in (await caller.get(KEYS)).json() if one["ring"] == ring}


async def test_keys_are_listed_without_their_material(caller: httpx2.AsyncClient) -> None:
    answer = await caller.get(KEYS)
    assert answer.status_code == 200
    assert {(one["ring"], one["state"]) for one in answer.json()} == {
        (ring, state) for ring in ("jwt", "aes") for state in ("ACTIVE", "PRE_ACTIVATION")
    }
    for one in answer.json():
        assert one.keys() == {"ring", "kid", "algorithm", "state", "published_at", "since"}


async def test_a_compromised_key_is_out_at_once_and_a_second_call_changes_nothing(
    caller: httpx2.AsyncClient,
) -> None:
    before = await keys_in(caller)
    body = {"kid": before["ACTIVE"], "reason": "it was in a log"}
    first, second = [(await caller.post(COMPROMISE, json=body)).json() for _ in range(2)]
    assert (first["outcome"], first["kid"], first["active_kid"]) == (
        "compromised",
        before["ACTIVE"],
        before["PRE_ACTIVATION"],
    )
    assert (second["outcome"], second["kid"]) == ("already_compromised", before["ACTIVE"])
    after = await keys_in(caller)
    assert after["COMPROMISED"] == before["ACTIVE"]
    for _ in range(100):  # until the next look at the ledger
        if before["ACTIVE"] not in (await caller.get(JWKS)).text:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the key is still served")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kid": "jwt_unknown", "reason": "x"}, 404),
        ({"kid": "1", "reason": "x"}, 400),
        ({"kid": "jwt_unknown", "reason": ""}, 422),
        ({"kid": "jwt_unknown"}, 422),
        ({"kid": 5, "reason": "x"}, 422),
        ({"kid": "jwt_unknown", "reason": "x", "force": True}, 422),
    ],
)
async def test_a_compromise_of_nothing_is_refused_and_changes_nothing(
    caller: httpx2.AsyncClient, body: dict[str, object], code: int
) -> None:
    before = (await caller.get(KEYS)).json()
    answer = await caller.post(COMPROMISE, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (code, "application/problem+json")
    assert (await caller.get(KEYS)).json() == before


async def test_reconcile_says_for_each_ring_what_it_repaired(caller: httpx2.AsyncClient) -> None:
    answer = await caller.post(RECONCILE)
    assert answer.status_code == 200
    assert answer.json() == {ring: {"outcome": "reconciled", "repairs": []} for ring in ("jwt", "aes")}


async def test_a_rotation_is_made_under_the_token_s_name(settings: Settings) -> None:
    assert settings.admin_tokens_file is not None
    token = give_token(settings.admin_tokens_file, "deploy", Scope.ROTATE, Scope.ROTATE_FORCE, Scope.READ)
    async with serving(settings, ("203.0.113.7", 5)) as caller:
        body = {"rotation_type": "jwt", "force": True, "reason": "a release"}
        assert (await caller.post(ROTATE, json=body, headers=bearing(token))).status_code == 202
        told = (await caller.get(AUDIT, headers=bearing(token))).json()
    opened = [one for one in told if one["reason"] == "a release"]
    assert {one["actor"] for one in opened} == {"http:deploy"}


async def test_the_audit_is_read_in_pages_and_its_chain_is_the_ledger_s(
    settings: Settings, caller: httpx2.AsyncClient
) -> None:
    await caller.post(INVALIDATE)
    everything = (await caller.get(AUDIT, params={"limit": 1000})).json()
    assert [one["sequence"] for one in everything] == list(range(1, len(everything) + 1))
    page = (await caller.get(AUDIT, params={"after": 1, "limit": 2})).json()
    assert page == everything[1:3]
    async with open_container(settings) as container:
        entries = await container.trail().entries(after=0, limit=1000)
    assert [one["hash"] for one in everything] == [entry.hash for entry in entries][: len(everything)]


@pytest.mark.parametrize("params", [{"after": -1}, {"limit": 0}, {"limit": 1001}, {"after": "x"}, {"limit": 2**70}])
async def test_a_page_that_cannot_be_is_a_422_that_names_it(
    caller: httpx2.AsyncClient, params: dict[str, object]
) -> None:
    answer = await caller.get(AUDIT, params={name: str(value) for name, value in params.items()})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] in params


KEY = "Idempotency-Key"


async def test_a_repeat_under_the_same_key_is_given_the_same_answer_and_nothing_is_done_twice(
    settings: Settings, caller: httpx2.AsyncClient
) -> None:
    body = {"kid": (await keys_in(caller))["ACTIVE"], "reason": "it was in a log"}
    answers = [await caller.post(COMPROMISE, json=body, headers={KEY: "k1"}) for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert answers[0].json()["outcome"] == "compromised"
    assert (await caller.post(COMPROMISE, json=body)).json()["outcome"] == "already_compromised"
    async with open_container(settings) as container:
        entries = await container.trail().entries(after=0, limit=1000)
    assert sum(entry.fact.action == "key_compromised" for entry in entries) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ROTATE, {"rotation_type": "jwt", "reason": "other"}),
        (ROTATE, {"rotation_type": "aes"}),
        (RECONCILE, None),
        (f"{INVALIDATE}?pattern=/auth/*", None),
    ],
)
async def test_the_same_key_with_another_request_is_a_409(
    caller: httpx2.AsyncClient, path: str, body: dict[str, str] | None
) -> None:
    first = await caller.post(ROTATE, json={"rotation_type": "jwt"}, headers={KEY: "k1"})
    assert first.status_code == 200
    answer = await caller.post(path, json=body, headers={KEY: "k1"})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")


async def until_done(caller: httpx2.AsyncClient, body: dict[str, object], key: str) -> httpx2.Response:
    for _ in range(100):
        answer = await caller.post(ROTATE, json=body, headers={KEY: key})
        if answer.status_code == 200:
            return answer
        await asyncio.sleep(0.1)
    pytest.fail(f"the rotation still waits: {answer.text}")


async def until_waiting(caller: httpx2.AsyncClient, body: dict[str, object]) -> tuple[str, httpx2.Response]:
    """Give the key of a rotation that waits, and its answer: the next key was published by the one before."""
    for number in range(100):
        answer = await caller.post(ROTATE, json=body, headers={KEY: f"k{number}"})
        if answer.status_code == 202:
            return f"k{number}", answer
    pytest.fail(f"no rotation waits: {answer.text}")


async def test_a_rotation_that_waits_is_joined_by_its_repeats_and_their_answer_follows_it(tmp_path: Path) -> None:
    quick = settings_in(
        tmp_path,
        journal_jwks_max_age=1.5,
        journal_infisical_cache_ttl=1.5,
        journal_ledger_poll=0.05,
        journal_clock_skew=0.05,
    )
    await make_rings(quick)
    body = {"rotation_type": "jwt", "force": True}
    async with serving(quick) as caller:
        key, first = await until_waiting(caller, body)
        assert first.json()["status"] == "waiting"
        conflict = await caller.post(ROTATE, json={**body, "reason": "other"}, headers={KEY: key})
        assert conflict.status_code == 409
        again = await until_done(caller, body, key)
        staged = first.json()["results"]["jwt"]["new_kid"]
        assert again.json()["results"]["jwt"]["new_kid"] == staged
        assert (await caller.post(ROTATE, json=body, headers={KEY: key})).text == again.text


async def test_what_failed_is_not_kept_and_the_repeat_does_it(settings: Settings, caller: httpx2.AsyncClient) -> None:
    vault, aside = settings.vault_file, settings.vault_file.with_suffix(".aside")
    vault.rename(aside)
    failed = await caller.post(RECONCILE, headers={KEY: "k1"})
    assert (failed.status_code, {one["outcome"] for one in failed.json().values()}) == (503, {"failed"})
    aside.rename(vault)
    done = await caller.post(RECONCILE, headers={KEY: "k1"})
    assert (done.status_code, {one["outcome"] for one in done.json().values()}) == (200, {"reconciled"})


@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 256, "\u00e9"])
async def test_a_malformed_key_is_a_400(caller: httpx2.AsyncClient, key: str) -> None:
    answer = await caller.post(RECONCILE, headers=[(KEY.encode(), key.encode("latin-1"))])
    assert answer.status_code == 400
    twice = await caller.post(RECONCILE, headers=[(KEY, "k1"), (KEY, "k1")])
    assert twice.status_code == 400


async def test_each_token_has_keys_of_its_own(settings: Settings) -> None:
    assert settings.admin_tokens_file is not None
    tokens = [give_token(settings.admin_tokens_file, name, Scope.ROTATE) for name in ("one", "two")]
    async with serving(settings) as caller:
        for number, token in enumerate(tokens):
            body = {"rotation_type": "jwt", "reason": f"reason {number}"}
            answer = await caller.post(ROTATE, json=body, headers={**bearing(token), KEY: "k1"})
            assert answer.status_code == 200


async def test_of_two_requests_at_once_under_one_key_only_one_is_done(caller: httpx2.AsyncClient) -> None:
    bodies = [{"rotation_type": kind, "force": True} for kind in ("jwt", "aes")]
    answers = await asyncio.gather(*(caller.post(ROTATE, json=body, headers={KEY: "k1"}) for body in bodies))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] in {200, 202}
    assert statuses[1] == 409
    for body, answer in zip(bodies, answers, strict=True):
        assert (await caller.post(ROTATE, json=body, headers={KEY: "k1"})).status_code in (
            {409} if answer.status_code == 409 else {200, 202}
        )
