"""What signer and verifier say when they refuse, and the last input that they take."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from journal_keys.adapters.crypto.token_codec import ClaimsError, JwtSigner, JwtVerifier
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain.errors import KeyUnavailableError, ViewStaleError
from journal_keys.domain.keys import Algorithm
from journal_keys.domain.token import MAX_TOKEN_BYTES, TokenRefusedError, UnknownKidError
from tests.support.views import MAX_STALE, OLDEST_VIEW, PROFILE, VIEW_TTL, WINDOWS, Bench

START = datetime(2026, 6, 1, tzinfo=UTC)
NOW = int(START.timestamp())
TICK = timedelta(microseconds=1)
GOOD = {"iss": "journal", "aud": "journal", "iat": NOW, "exp": NOW + 600}


@pytest.fixture
def clock() -> ManualClock:
    """A host that has been up for a day when the views are confirmed."""
    clock = ManualClock(START - timedelta(days=1))
    clock.pass_time(timedelta(days=1))
    return clock


@pytest.fixture
def bench(clock: ManualClock) -> Bench:
    return Bench(clock=clock, algorithms=[Algorithm.ES256, Algorithm.EDDSA])


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(bench: Bench, payload: str | Mapping[str, object], **header: object) -> str:
    chosen = {"alg": "EdDSA", "kid": bench.active_key.kid, "typ": "at+jwt"} | header
    body = payload if isinstance(payload, str) else encoded(json.dumps(payload).encode())
    message = f"{encoded(json.dumps(chosen).encode())}.{body}"
    return f"{message}.{encoded(bench.active_key.sign(message.encode()))}"


def refusal(bench: Bench, token: object) -> str:
    with pytest.raises(TokenRefusedError) as caught:
        bench.verifier.verify(token)
    return str(caught.value)


TEXT = "a token is text of at most 8192 characters"
PARTS = "a token has three parts"
BASE64 = "each part of a token is base64url without padding"
JSON = "header and claims of a token are JSON without repeated members"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, TEXT),
        (b"a.b.c", TEXT),
        ("a" * (MAX_TOKEN_BYTES + 1), TEXT),
        ("a" * MAX_TOKEN_BYTES, PARTS),
        ("", PARTS),
        ("a", PARTS),
        ("e30.e30", PARTS),
        ("=.e30.e30", BASE64),
        ("\u00e9.e30.e30", BASE64),
        (encoded(b"{") + ".e30.e30", JSON),
        (encoded(b'{"a":1,"a":2}') + ".e30.e30", JSON),
        (encoded(b"\xff") + ".e30.e30", JSON),
        ("e30.e30.e30", "a token's header has exactly the members alg, kid and typ"),
    ],
    ids=[
        "nothing", "bytes", "too long", "as long as may be", "empty", "one part", "two parts", "padding", "non-ASCII",
        "cut header", "repeated member", "no UTF-8", "empty header",
    ],
)  # fmt: skip
def test_what_has_not_the_form_of_a_token_is_told_so(bench: Bench, token: object, said: str) -> None:
    assert refusal(bench, token) == said


def test_each_part_of_a_well_formed_token_is_told_of(bench: Bench) -> None:
    header, payload, signature = signed(bench, GOOD).split(".")
    forged = "the signature of the token does not verify"
    assert refusal(bench, f"{header}.{payload}.{encoded(bytes(64))}") == forged
    assert refusal(bench, f"{header}.{payload}.e30.{signature}") == forged
    assert refusal(bench, f"{header}.{payload}.{signature}=") == BASE64
    assert refusal(bench, f"{header}.\u00e9.{signature}") == "a token is ASCII text"
    assert refusal(bench, signed(bench, "=")) == BASE64
    assert refusal(bench, signed(bench, encoded(b"[NaN]"))) == JSON
    assert refusal(bench, signed(bench, "W10")) == "the claims of a token are one JSON object"
    assert refusal(bench, signed(bench, GOOD, alg="ES256")) == "alg of the token is not the algorithm of its key"
    assert refusal(bench, signed(bench, GOOD, kid="jwt_x")) == "the token names a key that is not in the ring"


def test_claims_may_hold_any_text(bench: Bench) -> None:
    payload = encoded(json.dumps(GOOD | {"sub": "zo\u00eb"}, ensure_ascii=False).encode())
    assert bench.verifier.verify(signed(bench, payload))["sub"] == "zo\u00eb"


def test_a_token_of_8_kib_is_taken_by_both_sides(bench: Bench) -> None:
    profile = replace(PROFILE, token_type="JOSE")  # with another length of header no token has just this length
    signer = JwtSigner(bench.board, bench.clock, profile, WINDOWS)
    verifier = JwtVerifier(bench.board, bench.clock, profile, WINDOWS, MAX_STALE)
    room = (MAX_TOKEN_BYTES + 1 - len(signer.sign({"x": ""}))) * 3 // 4
    longest = signer.sign({"x": "y" * room})
    assert len(longest) == MAX_TOKEN_BYTES
    assert verifier.verify(longest)
    with pytest.raises(ClaimsError) as caught:
        signer.sign({"x": "y" * (room + 1)})
    assert str(caught.value) == "the token would be longer than 8192 bytes"


def test_the_same_header_is_good_each_time_and_each_signer_has_its_own(bench: Bench) -> None:
    for _ in range(3):
        assert bench.verifier.verify(bench.signer.sign({"n": 1}))["n"] == 1
    assert bench.board.signing is not None
    older = bench.signers[bench.jwt_ring.versions[0].kid]
    object.__setattr__(bench.board.signing, "signing", older)
    token = bench.signer.sign({"n": 2})
    assert json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "==")) == {
        "alg": "ES256",
        "kid": older.kid,
        "typ": "at+jwt",
    }
    assert bench.verifier.verify(token)["n"] == 2


@pytest.mark.parametrize(
    ("lifetime", "text"),
    [(0.25, f"{NOW}.25"), (1, f"{NOW + 1}"), (86_400 * 14, f"{NOW + 86_400 * 14}")],
)
def test_a_life_is_told_by_exp_and_nothing_is_rounded(bench: Bench, lifetime: float, text: str) -> None:
    claims = bench.verifier.verify(bench.signer.sign({}, lifetime=timedelta(seconds=lifetime)))
    assert (repr(claims["exp"]), claims["iat"]) == (text, NOW)


def test_a_token_lives_as_long_as_it_may_unless_it_is_told_otherwise(bench: Bench) -> None:
    assert bench.verifier.verify(bench.signer.sign({}))["exp"] == NOW + 86_400 * 14


LIFE = "a token lives at least 1/1024 s and at most 1.2096e+06 s"
NO_JSON = "claims are JSON of at most 32 levels, with text for names"


def nested(levels: int) -> object:
    value: object = None
    for level in range(levels):
        value = [value] if level % 2 else {"y": value}
    return value


@pytest.mark.parametrize(
    "value",
    [None, [None, True, 1, 0.5, "text"], [], {"y": [{"z": None}, []]}, nested(31), [nested(30), nested(30)]],
    ids=["nothing", "leaves", "an empty list", "both kinds", "32 levels", "32 levels twice"],
)
def test_claims_that_json_holds_are_signed_as_they_are(bench: Bench, value: object) -> None:
    assert bench.verifier.verify(bench.signer.sign({"x": value}))["x"] == value


@pytest.mark.parametrize(
    ("claims", "lifetime", "said"),
    [
        ({}, timedelta(0), LIFE),
        ({}, timedelta(days=14) + TICK, LIFE),
        ({"exp": 1, "aud": "x", "sub": "y"}, None, "the signer itself sets aud, exp"),
        ({"x": {1}}, None, NO_JSON),
        ({"x": float("nan")}, None, NO_JSON),
        ({"x": nested(32)}, None, NO_JSON),
        ({"x": ({}, [{"y": {1: 2}}])}, None, NO_JSON),
        ("text", None, "claims are one mapping of names to values"),
        ({"sub": 5}, None, "a verifier would refuse these claims: sub of a token is text"),
    ],
    ids=["no life", "too long a life", "reserved", "a set", "NaN", "33 levels", "a number deep inside", "text", "sub"],
)
def test_claims_that_cannot_be_signed_are_told_of(
    bench: Bench, claims: dict[str, Any], lifetime: timedelta | None, said: str
) -> None:
    with pytest.raises(ClaimsError) as caught:
        bench.signer.sign(claims, lifetime=lifetime)
    assert str(caught.value) == said


def test_each_use_of_a_view_ends_on_its_own_last_tick(bench: Bench, clock: ManualClock) -> None:
    token, stranger = bench.signer.sign({}), signed(bench, GOOD, kid="jwt_x")
    clock.pass_time(VIEW_TTL + TICK)
    with pytest.raises(ViewStaleError) as caught:
        bench.signer.sign({})
    assert str(caught.value) == "the jwt ring was not confirmed for 300 s: nothing is signed"
    clock.pass_time(OLDEST_VIEW - VIEW_TTL - TICK)
    with pytest.raises(UnknownKidError):
        bench.verifier.verify(stranger)
    clock.pass_time(TICK)
    with pytest.raises(ViewStaleError) as caught:
        bench.verifier.verify(stranger)
    assert str(caught.value) == "the token names a key that the ring may have gained since its last confirmation"
    clock.pass_time(MAX_STALE - OLDEST_VIEW - TICK)
    assert bench.verifier.verify(token)
    clock.pass_time(TICK)
    with pytest.raises(ViewStaleError) as caught:
        bench.verifier.verify(token)
    assert str(caught.value) == "the jwt ring was not confirmed for 86400 s: nothing is verified"


def test_a_key_without_material_is_named(bench: Bench) -> None:
    assert bench.board.signing is not None
    object.__setattr__(bench.board.signing, "signing", None)
    with pytest.raises(KeyUnavailableError) as caught:
        bench.signer.sign({})
    kid = bench.jwt_ring.active.kid
    assert str(caught.value) == f"the material of the ACTIVE key {kid} could not be read"
