"""Base64url, canonical JSON, JWKs and envelopes: one text for one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_keys.adapters.crypto.fast_base64 import strict_decode
from journal_keys.domain import base64url, canonical
from journal_keys.domain.encryption_budget import REFUSE_AT, WARN_AT, EncryptionBudget
from journal_keys.domain.envelope import EnvelopeError, bound_data, parse
from journal_keys.domain.errors import EncryptionLimitError, InvalidNameError
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import Kid

RFC7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
    "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8aw"
    "apJzKnqDKgw",
    "e": "AQAB",
}
RFC8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@given(st.binary(max_size=200))
def test_base64url_comes_back_by_both_decoders(data: bytes) -> None:
    text = base64url.encode(data)
    assert base64url.decode(text) == strict_decode(text) == data


@given(st.text(alphabet="ABab01-_+/= \n\u00e9", max_size=12))
def test_both_decoders_take_the_canonical_text_of_some_bytes_and_no_other(text: str) -> None:
    outcomes: list[bytes | None] = []
    for decode in (base64url.decode, strict_decode):
        try:
            outcomes.append(decode(text))
        except ValueError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]
    if outcomes[0] is not None:
        assert base64url.encode(outcomes[0]) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"x":[{"a":1,"a":1}]}',
        "NaN",
        "[Infinity]",
        "-Infinity",
        "1e400",
        "[-1e400]",
        "",
        "1 2",
        "[" * 100_000,
    ],
)
def test_json_that_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical.from_json(text)


def test_canonical_json_is_sorted_compact_ascii() -> None:
    assert canonical.to_json({"b": "\u00e9", "a": [1, None]}) == '{"a":[1,null],"b":"\\u00e9"}'
    with pytest.raises(ValueError, match=r".+"):
        canonical.to_json(float("nan"))


def test_thumbprints_are_those_of_the_rfcs() -> None:
    assert PublicJwk.from_members(RFC7638).thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert PublicJwk.from_members(RFC8037).thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert PublicJwk.from_members(RFC8037).kid() == "jwt_kPrK_qmxVWaYVA9wwBF6Iu"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"kty": "oct", "k": "AA"},
        {"kty": ["OKP"]},
        RFC8037 | {"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"},
        RFC8037 | {"crv": "Ed448"},
        RFC8037 | {"x": "+/"},
        RFC8037 | {"x": ""},
        RFC8037 | {"x": 5},
        RFC8037 | {"x": "AA"},
        RFC8037 | {"x": RFC8037["x"] + "AA"},
        RFC7638 | {"e": "AAEAAQ"},
        RFC7638 | {"n": "AA"},
        RFC7638 | {"n": ""},
        {"kty": "OKP", "crv": "Ed25519"},
        RFC7638 | {"p": "AA"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
    ],
    ids=",".join,
)
def test_a_jwk_with_private_missing_or_malformed_members_is_refused(members: dict[str, object]) -> None:
    with pytest.raises(InvalidNameError):
        PublicJwk.from_members(members)


@pytest.mark.parametrize("text", ["", "[]", "1", '{"kty":"OKP","kty":"OKP"}'])
def test_jwk_text_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidNameError):
        PublicJwk.from_json(text)


def test_a_jwk_comes_back_from_its_text() -> None:
    jwk = PublicJwk.from_members(RFC7638)
    assert PublicJwk.from_json(jwk.to_json()) == jwk
    assert jwk.published(kid="k", algorithm="RS256") == RFC7638 | {"kid": "k", "alg": "RS256", "use": "sig"}


@given(st.text(max_size=60))
def test_any_text_is_an_envelope_or_refused(text: str) -> None:
    for candidate in (text, "jk2." + text, "{" + text):
        try:
            envelope = parse(candidate)
        except EnvelopeError:
            continue
        assert len(envelope.nonce) == 12
        assert len(envelope.sealed) >= 16


KIDS = st.text(alphabet="ab_1", min_size=1, max_size=5)


@given(KIDS, st.binary(max_size=20), KIDS, st.binary(max_size=20))
def test_bound_data_differ_where_kid_or_context_differ(kid: str, context: bytes, kid2: str, context2: bytes) -> None:
    same = (kid, context) == (kid2, context2)
    assert (bound_data(kid, context) == bound_data(kid2, context2)) is same


def test_a_budget_adds_what_others_reported_warns_and_refuses() -> None:
    budget, kid = EncryptionBudget(), Kid("aes_x")
    budget.spend(kid)
    assert budget.unreported() == {kid: 1}
    budget.report(kid, added=1, total=WARN_AT)
    assert not budget.is_worn(kid)
    budget.spend(kid)
    assert budget.is_worn(kid)
    budget.report(kid, added=1, total=REFUSE_AT)
    with pytest.raises(EncryptionLimitError, match=kid):
        budget.spend(kid)
    assert budget.total(kid) == REFUSE_AT
