"""Base64url, canonical JSON, JWKs and envelopes: one text for one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_keys.adapters.crypto.fast_base64 import strict_decode
from journal_keys.domain import base64url, canonical
from journal_keys.domain.envelope import EnvelopeError, bound_data, parse
from journal_keys.domain.errors import InvalidNameError
from journal_keys.domain.jwk import PublicJwk

RFC7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
    "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8aw"
    "apJzKnqDKgw",
    "e": "AQAB",
}
KEY_TYPE = "a public JWK has the kty OKP, EC or RSA"
OKP_MEMBERS = "a public OKP JWK has exactly the members crv, kty, x"
RFC8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@given(st.binary(max_size=200))
def test_base64url_comes_back_by_both_decoders(data: bytes) -> None:
    text = base64url.encode(data)
    assert base64url.decode(text) == strict_decode(text) == data


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"\x00", "AA"), (b"\x00\x01", "AAE"), (b"\x00\x00\x17", "AAAX"), (b"\xff\xff", "__8")],
)
def test_base64url_is_that_of_the_rfc(data: bytes, text: str) -> None:
    assert (base64url.encode(data), base64url.decode(text)) == (text, data)


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":1,"a":2}', "a JSON object repeats a member"),
        ("[NaN]", "JSON has no NaN"),
        ("-Infinity", "JSON has no -Infinity"),
        ("[" * 100_000, "JSON is nested too deeply"),
        ("-1e400", "a JSON number is too large to be one"),
    ],
    ids=["repeated", "NaN", "infinity", "deep", "large"],
)
def test_a_refusal_of_json_says_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        canonical.from_json(text)
    assert str(caught.value) == said


@pytest.mark.parametrize("text", ["A", "AB", "ABC", "AAAA=", "A A", "+AAA", "/AAA", "AAAA\n", "\u00e9AAA", "AAAAA"])
def test_a_refusal_of_base64url_does_not_repeat_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        base64url.decode(text)
    assert str(caught.value) == "not canonical base64url without padding"


def test_canonical_json_is_sorted_compact_ascii() -> None:
    assert canonical.to_json({"b": "\u00e9", "a": [1, None]}) == '{"a":[1,null],"b":"\\u00e9"}'
    with pytest.raises(ValueError, match=r".+"):
        canonical.to_json(float("nan"))


def test_thumbprints_are_those_of_the_rfcs() -> None:
    assert PublicJwk.from_members(RFC7638).thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert PublicJwk.from_members(RFC8037).thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert PublicJwk.from_members(RFC8037).kid() == "jwt_kPrK_qmxVWaYVA9wwBF6Iu"


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, KEY_TYPE),
        ({"kty": "oct", "k": "AA"}, KEY_TYPE),
        ({"kty": ["OKP"]}, KEY_TYPE),
        (RFC8037 | {"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}, OKP_MEMBERS),
        (RFC8037 | {"crv": "Ed448"}, "a public OKP JWK has the crv Ed25519"),
        (RFC8037 | {"x": "+/"}, "member x of a public OKP JWK is not in its one form (RFC 7518 §6)"),
        (RFC8037 | {"x": ""}, "member x of a public OKP JWK is not in its one form (RFC 7518 §6)"),
        (RFC8037 | {"x": 5}, "member x of a public OKP JWK is not in its one form (RFC 7518 §6)"),
        (RFC8037 | {"x": "AA"}, "member x of a public OKP JWK is not in its one form (RFC 7518 §6)"),
        (RFC8037 | {"x": RFC8037["x"] + "AA"}, "member x of a public OKP JWK is not in its one form (RFC 7518 §6)"),
        (RFC7638 | {"e": "AAEAAQ"}, "member e of a public RSA JWK is not in its one form (RFC 7518 §6)"),
        (RFC7638 | {"n": "AA"}, "member n of a public RSA JWK is not in its one form (RFC 7518 §6)"),
        (RFC7638 | {"n": ""}, "member n of a public RSA JWK is not in its one form (RFC 7518 §6)"),
        ({"kty": "OKP", "crv": "Ed25519"}, OKP_MEMBERS),
        (RFC7638 | {"p": "AA"}, "a public RSA JWK has exactly the members e, kty, n"),
        ({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}, "a public EC JWK has the crv P-256"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_jwk_with_private_missing_or_malformed_members_is_refused(members: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        PublicJwk.from_members(members)
    assert str(caught.value) == said


@pytest.mark.parametrize("text", ["", "[]", "1", '{"kty":"OKP","kty":"OKP"}'])
def test_jwk_text_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        PublicJwk.from_json(text)
    assert str(caught.value) == "a public JWK is one JSON object"


def test_a_jwk_comes_back_from_its_text() -> None:
    x, y = "A" * 42 + "E", "A" * 42 + "I"
    assert PublicJwk.from_members({"kty": "EC", "crv": "P-256", "x": x, "y": y}).members[-1] == ("y", y)
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
