"""Tokens: what is signed is accepted, and everything else is refused with one documented error."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_keys.adapters.crypto.token_codec import ClaimsError
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain.errors import KeyUnavailableError, ViewStaleError
from journal_keys.domain.keys import Algorithm
from journal_keys.domain.token import MAX_TOKEN_BYTES, TokenRefusedError, UnknownKidError
from tests.support.views import MAX_STALE, OLDEST_VIEW, PROFILE, VIEW_TTL, Bench

START = datetime(2026, 6, 1, tzinfo=UTC)
NOW = int(START.timestamp())
GOOD = {"iss": "journal", "aud": "journal", "iat": NOW, "exp": NOW + 600, "sub": "alice"}


def _nested(levels: int) -> object:
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


_PROPERTY_BENCH = Bench(clock=ManualClock(START))


@pytest.fixture
def bench() -> Bench:
    return Bench(clock=ManualClock(START))


def part(document: object) -> str:
    text = document if isinstance(document, str) else json.dumps(document)
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


def signed(bench: Bench, claims: object = None, header: dict[str, Any] | str | None = None) -> str:
    key = bench.active_key
    chosen = {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"} if header is None else header
    message = f"{part(chosen)}.{part(GOOD if claims is None else claims)}"
    signature = base64.urlsafe_b64encode(key.sign(message.encode("ascii"))).rstrip(b"=").decode()
    return f"{message}.{signature}"


@pytest.mark.parametrize("algorithm", [Algorithm.EDDSA, Algorithm.ES256, Algorithm.RS256])
def test_what_is_signed_is_verified_here_and_by_pyjwt(algorithm: Algorithm) -> None:
    bench = Bench(algorithms=[algorithm])
    token = bench.signer.sign({"sub": "alice"}, lifetime=timedelta(minutes=5))
    claims = bench.verifier.verify(token)
    key = bench.active_key
    theirs = jwt.decode(token, key.key.public_key(), algorithms=[algorithm], audience="journal", issuer="journal")
    assert claims == theirs
    assert claims["exp"] - claims["iat"] == 300
    assert jwt.get_unverified_header(token) == {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"}


def test_an_unknown_kid_is_not_judged_by_a_view_that_publication_may_have_passed(bench: Bench) -> None:
    clock = bench.clock
    assert isinstance(clock, ManualClock)
    stranger = signed(bench, header=header(bench, kid="jwt_unknown"))
    clock.pass_time(OLDEST_VIEW)
    with pytest.raises(UnknownKidError):
        bench.verifier.verify(stranger)
    clock.pass_time(timedelta(microseconds=1))
    with pytest.raises(ViewStaleError):
        bench.verifier.verify(stranger)


def test_a_hand_made_good_token_is_accepted(bench: Bench) -> None:
    assert bench.verifier.verify(signed(bench)) == GOOD


def header(bench: Bench, **changes: object) -> dict[str, object]:
    base: dict[str, object] = {"alg": "EdDSA", "kid": bench.active_key.kid, "typ": "at+jwt"}
    return {name: value for name, value in (base | changes).items() if value is not ...}


HEADERS = {
    "alg none": {"alg": "none"},
    "alg of another key type": {"alg": "ES256"},
    "alg HS256": {"alg": "HS256"},
    "alg in lower case": {"alg": "eddsa"},
    "alg no text": {"alg": 1},
    "no kid": {"kid": ...},
    "kid no text": {"kid": ["x"]},
    "unknown kid": {"kid": "jwt_unknown"},
    "no typ": {"typ": ...},
    "other typ": {"typ": "JWT"},
    "extra crit": {"crit": ["b64"], "b64": False},
    "embedded jwk": {"jwk": {"kty": "OKP"}},
    "jku": {"jku": "https://evil.example"},
}


@pytest.mark.parametrize("changes", HEADERS.values(), ids=HEADERS.keys())
def test_a_signed_token_with_another_header_is_refused(bench: Bench, changes: dict[str, object]) -> None:
    with pytest.raises(TokenRefusedError):
        bench.verifier.verify(signed(bench, header=header(bench, **changes)))


CLAIMS: dict[str, dict[str, object]] = {
    "no exp": {"exp": ...},
    "no iat": {"iat": ...},
    "no iss": {"iss": ...},
    "no aud": {"aud": ...},
    "other issuer": {"iss": "evil"},
    "issuer list": {"iss": ["journal"]},
    "other audience": {"aud": "evil"},
    "audience list without us": {"aud": ["a", "b"]},
    "audience list with a number": {"aud": ["journal", 1]},
    "expired": {"iat": NOW - 1000, "exp": NOW - 61},
    "expires at the leeway": {"iat": NOW - 1000, "exp": NOW - 60},
    "issued in the future": {"iat": NOW + 61, "exp": NOW + 600},
    "not yet": {"nbf": NOW + 61},
    "nbf text": {"nbf": "0"},
    "exp text": {"exp": str(NOW + 600)},
    "exp true": {"exp": True},
    "exp huge": {"exp": 10**30},
    "exp negative": {"iat": -10, "exp": -5},
    "lives too long": {"exp": NOW + 14 * 86_400 + 1},
    "ends before it begins": {"exp": NOW, "iat": NOW + 1},
    "sub no text": {"sub": 1},
    "jti no text": {"jti": {}},
}


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS.keys())
def test_a_signed_token_with_other_claims_is_refused(bench: Bench, changes: dict[str, object]) -> None:
    claims = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    with pytest.raises(TokenRefusedError):
        bench.verifier.verify(signed(bench, claims))


@pytest.mark.parametrize(
    "text",
    [
        '{"iss":"journal","aud":"journal","iat":1,"exp":2,"exp":3}',
        '{"a":{"b":1,"b":2}}',
        '{"exp":NaN}',
        '{"exp":Infinity}',
        "[]",
        "1",
        "",
        "{",
        "[" * 3000,
        '{"a":"\ud800"}',
    ],
    ids=["repeated", "repeated inside", "NaN", "Infinity", "list", "number", "empty", "cut", "deep", "surrogate"],
)
def test_a_signed_payload_that_is_no_strict_object_is_refused(bench: Bench, text: str) -> None:
    with pytest.raises(TokenRefusedError):
        bench.verifier.verify(signed(bench, text))


HOSTILE: dict[str, object] = {
    "nothing": None,
    "number": 7,
    "bytes": b"a.b.c",
    "list": [],
    "empty": "",
    "dots": "..",
    "many dots": "a.b.c.d.e",
    "two parts": "a.b",
    "non-ASCII": "\u00e9.\u00e9.\u00e9",
    "surrogate": "\ud800.\ud800.\ud800",
    "NUL": "a\x00.b.c",
    "over the cap": "a" * (MAX_TOKEN_BYTES + 1),
}


@pytest.mark.parametrize("token", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_other_input_is_refused_with_the_same_error(bench: Bench, token: object) -> None:
    with pytest.raises(TokenRefusedError):
        bench.verifier.verify(token)


def test_each_part_is_canonical_base64url(bench: Bench) -> None:
    token = signed(bench)
    message, _, signature = token.rpartition(".")
    for altered in (token + "=", token + "\n", " " + token, message + "." + signature[:-1] + "_", token + "A"):
        with pytest.raises(TokenRefusedError):
            bench.verifier.verify(altered)


def test_every_changed_character_of_a_token_is_refused(bench: Bench) -> None:
    token = signed(bench)
    for position, character in enumerate(token):
        other = "A" if character != "A" else "B"
        with pytest.raises(TokenRefusedError):
            bench.verifier.verify(token[:position] + other + token[position + 1 :])


def test_a_header_seen_before_is_judged_by_the_ring_of_now(bench: Bench) -> None:
    token = signed(bench)
    bench.verifier.verify(token)
    assert bench.board.signing is not None
    object.__setattr__(bench.board.signing, "verifying", {})
    with pytest.raises(UnknownKidError):
        bench.verifier.verify(token)


def test_a_view_past_its_time_signs_nothing_and_later_verifies_nothing(bench: Bench) -> None:
    clock = bench.clock
    assert isinstance(clock, ManualClock)
    token = bench.signer.sign({})
    clock.pass_time(VIEW_TTL)
    bench.signer.sign({})
    clock.pass_time(timedelta(microseconds=1))
    with pytest.raises(ViewStaleError):
        bench.signer.sign({})
    bench.verifier.verify(token)
    clock.pass_time(MAX_STALE - VIEW_TTL)
    with pytest.raises(ViewStaleError):
        bench.verifier.verify(token)


def test_without_a_view_nothing_is_signed_or_verified() -> None:
    bench = Bench()
    bench.board.signing = None
    with pytest.raises(ViewStaleError):
        bench.signer.sign({})
    with pytest.raises(ViewStaleError):
        bench.verifier.verify("a.b.c")


def test_a_missing_private_key_is_told_and_others_still_verify() -> None:
    bench = Bench()
    token = bench.signer.sign({})
    assert bench.board.signing is not None
    object.__setattr__(bench.board.signing, "signing", None)
    with pytest.raises(KeyUnavailableError, match=bench.jwt_ring.active.kid):
        bench.signer.sign({})
    assert bench.verifier.verify(token)


@pytest.mark.parametrize(
    ("claims", "lifetime"),
    [
        pytest.param({"exp": 1}, None, id="reserved"),
        pytest.param({"iss": "x"}, None, id="issuer"),
        pytest.param({"x": {1, 2}}, None, id="no JSON"),
        pytest.param({"x": float("nan")}, None, id="NaN"),
        pytest.param({"x": "y" * MAX_TOKEN_BYTES}, None, id="too large"),
        pytest.param({}, timedelta(0), id="no life"),
        pytest.param({}, timedelta(microseconds=900), id="less than a step of life"),
        pytest.param({"sub": 5}, None, id="sub no text"),
        pytest.param({"jti": 4}, None, id="jti no text"),
        pytest.param({"nbf": "x"}, None, id="nbf no time"),
        pytest.param({"nbf": NOW + 10**9}, None, id="nbf in the future"),
        pytest.param({1: 2}, None, id="a number for a name"),
        pytest.param({"x": [{None: 2}]}, None, id="nothing for a name inside"),
        pytest.param({"x": _nested(40)}, None, id="nested too deeply"),
        pytest.param({"x": _nested(1500)}, None, id="nested more deeply than Python goes"),
        pytest.param("text", None, id="text for claims"),
        pytest.param([], None, id="a list for claims"),
        pytest.param(None, None, id="nothing for claims"),
        pytest.param({}, PROFILE.longest_token + timedelta(seconds=1), id="too long a life"),
    ],
)
def test_claims_that_cannot_be_signed_are_refused(claims: Any, lifetime: timedelta | None) -> None:  # noqa: ANN401
    with pytest.raises(ClaimsError):
        Bench().signer.sign(claims, lifetime=lifetime)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.999_999])
@pytest.mark.parametrize("seconds", [0.001, 0.5, 1, 1.9, 2.000_001])
def test_a_short_life_is_neither_over_at_once_nor_cut_to_whole_seconds(fraction: float, seconds: float) -> None:
    bench = Bench(clock=ManualClock(START + timedelta(seconds=fraction)))
    claims = bench.verifier.verify(bench.signer.sign({}, lifetime=timedelta(seconds=seconds)))
    assert claims["exp"] > NOW + fraction
    assert seconds - 1 / 1024 < claims["exp"] - claims["iat"] <= seconds


_NAMES = st.one_of(st.sampled_from(["sub", "jti", "nbf", "iss", "exp", "role"]), st.text(), st.integers(), st.none())
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(
    claims=st.dictionaries(_NAMES, _VALUES, max_size=4) | _VALUES,
    life=st.none() | st.timedeltas(timedelta(0), timedelta(seconds=3)),
    fraction=st.floats(0, 0.999_999),
)
def test_whatever_is_signed_is_accepted_at_that_moment(claims: Any, life: timedelta | None, fraction: float) -> None:  # noqa: ANN401
    clock = _PROPERTY_BENCH.clock
    assert isinstance(clock, ManualClock)
    clock.pass_time(timedelta(seconds=fraction))
    _PROPERTY_BENCH.confirm()
    try:
        token = _PROPERTY_BENCH.signer.sign(claims, lifetime=life)
    except ClaimsError:
        return
    accepted = _PROPERTY_BENCH.verifier.verify(token)
    assert accepted["exp"] > clock.unix_s()
    assert accepted.keys() == claims.keys() | {"iss", "aud", "iat", "exp"}
