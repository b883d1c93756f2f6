"""Envelopes as tables: what each form holds, where its lengths end, what a refusal says."""

import json

import pytest

from journal_keys.domain import base64url
from journal_keys.domain.envelope import Envelope, EnvelopeError, bound_data, parse
from journal_keys.domain.keys import Kid

NONCE = bytes(range(12))
TAG = bytes(range(100, 116))
KID = "aes_x"
V1: dict[str, object] = {"v": 1, "kid": KID, "iv": base64url.encode(NONCE), "ct": base64url.encode(b"text" + TAG)}
EITHER = "a ciphertext starts with 'jk2.' (envelope v2), is a JSON object (v1), or a Fernet token"
V2_FORM = "envelope v2 is jk2.<kid>.<base64url of at least 28 bytes>"
V1_FORM = "envelope v1 is a JSON object with v = 1, kid, iv (12 bytes), ct and optionally aad"


def v1(**changes: object) -> str:
    return json.dumps({name: value for name, value in (V1 | changes).items() if value is not ...})


def v2(kid: str = KID, body: bytes = NONCE + TAG) -> str:
    return f"jk2.{kid}.{base64url.encode(body)}"


@pytest.mark.parametrize(
    ("text", "envelope"),
    [
        pytest.param(v2(), Envelope(Kid(KID), NONCE, TAG, None, 2), id="v2 of nothing"),
        pytest.param(v2("k", NONCE + b"text" + TAG), Envelope(Kid("k"), NONCE, b"text" + TAG), id="v2"),
        pytest.param(v2("k" * 64), Envelope(Kid("k" * 64), NONCE, TAG), id="v2 with the longest kid"),
        pytest.param(v1(), Envelope(Kid(KID), NONCE, b"text" + TAG, None, 1), id="v1"),
        pytest.param(v1(ct=base64url.encode(TAG)), Envelope(Kid(KID), NONCE, TAG, None, 1), id="v1 of nothing"),
        pytest.param(v1(aad="Yg"), Envelope(Kid(KID), NONCE, b"text" + TAG, b"b", 1), id="v1 with bound data"),
        pytest.param(v1(aad=""), Envelope(Kid(KID), NONCE, b"text" + TAG, b"", 1), id="v1 with empty bound data"),
    ],
)
def test_an_envelope_is_taken_apart(text: str, envelope: Envelope) -> None:
    assert parse(text) == envelope


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", EITHER, id="nothing"),
        pytest.param("JK2.k.x", EITHER, id="another prefix"),
        pytest.param('["v"]', EITHER, id="a list"),
        pytest.param(v2(body=NONCE + TAG[1:]), V2_FORM, id="v2, a byte too short"),
        pytest.param(v2(kid=""), V2_FORM, id="v2, no kid"),
        pytest.param(v2(kid="k" * 65), V2_FORM, id="v2, a kid too long"),
        pytest.param(v2(kid="é"), V2_FORM, id="v2, a kid that is not ASCII"),
        pytest.param(v2(kid="k.k"), V2_FORM, id="v2, a kid with a dot"),
        pytest.param(v2() + ".", V2_FORM, id="v2, three parts"),
        pytest.param(v2() + "=", V2_FORM, id="v2, padded"),
        pytest.param(f"jk2.{base64url.encode(NONCE + TAG)}", V2_FORM, id="v2, one part"),
        pytest.param("{", V1_FORM, id="v1, cut"),
        pytest.param(v1(v=2), V1_FORM, id="v1, another version"),
        pytest.param(v1(v=True), V1_FORM, id="v1, version true"),
        pytest.param(v1(v="1"), V1_FORM, id="v1, version text"),
        pytest.param(v1(kid="1"), V1_FORM, id="v1, malformed kid"),
        pytest.param(v1(kid=5), V1_FORM, id="v1, kid no text"),
        pytest.param(v1(iv=base64url.encode(NONCE[1:])), V1_FORM, id="v1, nonce too short"),
        pytest.param(v1(iv=base64url.encode(NONCE + b"x")), V1_FORM, id="v1, nonce too long"),
        pytest.param(v1(iv=None), V1_FORM, id="v1, nonce null"),
        pytest.param(v1(ct=base64url.encode(TAG[1:])), V1_FORM, id="v1, a byte too short"),
        pytest.param(v1(ct="+/"), V1_FORM, id="v1, another alphabet"),
        pytest.param(v1(aad=5), V1_FORM, id="v1, bound data no text"),
        pytest.param(v1(ct=...), V1_FORM, id="v1, a member less"),
        pytest.param(v1(tag="Yg"), V1_FORM, id="v1, a member more"),
    ],
)
def test_another_text_is_refused_with_the_form_expected(text: str, said: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        parse(text)
    assert str(caught.value) == said


def test_the_bytes_that_v2_binds_are_fixed_for_ever() -> None:
    assert bound_data("aes_x", b"row 7") == b"\x02\x05aes_x\x1djournal_keys/token encryptionrow 7"


def test_the_decoder_that_is_given_is_the_one_that_reads() -> None:
    def decode(text: str) -> bytes:
        return {"a": NONCE, "b": TAG, "c": b"bound", "whole": NONCE + TAG}[text]

    assert parse("jk2.k.whole", decode=decode) == Envelope(Kid("k"), NONCE, TAG)
    assert parse(v1(iv="a", ct="b", aad="c"), decode=decode) == Envelope(Kid(KID), NONCE, TAG, b"bound", 1)
