"""Secret bytes do not leave by accident; a stored line has one meaning."""

import copy
import hashlib
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_keys.domain import base64url, canonical, material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord

SECRET = KeyMaterial(b"canary-secret-bytes-of-32-bytes!")
RECORD = MaterialRecord(
    family=Family.AES,
    kid=material.aes_kid(SECRET),
    algorithm=Algorithm.A256GCM,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    key=SECRET,
)


@pytest.mark.parametrize("number", [0, 1, 0x7F, 0xFF])
@pytest.mark.parametrize(("before", "behind"), [("", ""), (" ", "\n"), ("\t\r\n", "  ")])
def test_a_key_is_read_from_32_bytes_as_base64url_with_blanks_around(number: int, before: str, behind: str) -> None:
    text = before + base64url.encode(bytes([number]) * 32) + behind
    key = material.parse_key(text.encode())
    assert key is not None
    assert expose(key) == bytes([number]) * 32


@pytest.mark.parametrize(
    "text",
    [
        b"",
        base64url.encode(bytes(31)).encode(),
        base64url.encode(bytes(33)).encode(),
        43 * b"_" + b"=",
        44 * b"+",
        42 * b"A" + b"B",
        42 * b"A" + "\u00e9".encode(),
        b"\xff" + 42 * b"A",
    ],
)
def test_anything_else_is_no_key(text: bytes) -> None:
    assert material.parse_key(text) is None


def test_printing_shows_nothing() -> None:
    for text in (repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET!r:>40}", repr(RECORD), f"{[SECRET]}"):
        assert "canary" not in text
        assert "KeyMaterial(…)" in text
    assert repr(SECRET) == str(SECRET) == f"{SECRET}" == "KeyMaterial(…)"
    assert len(SECRET) == 32
    assert SECRET.digest() == hashlib.sha256(b"canary-secret-bytes-of-32-bytes!").hexdigest()


NO_COPY = "KeyMaterial is neither pickled nor copied"


@pytest.mark.parametrize(
    ("leak", "said"),
    [(pickle.dumps, NO_COPY), (copy.copy, NO_COPY), (copy.deepcopy, NO_COPY), (hash, "unhashable type: 'KeyMaterial'")],
)
def test_it_is_neither_pickled_nor_copied_nor_hashed(leak: Callable[[object], object], said: str) -> None:
    with pytest.raises(TypeError) as caught:
        leak(SECRET)
    assert str(caught.value) == said


def test_it_is_not_compared_by_accident_and_on_purpose_it_is() -> None:
    with pytest.raises(TypeError) as caught:
        _ = KeyMaterial(b"x") == KeyMaterial(b"x")
    assert str(caught.value) == "KeyMaterial is compared with same_as(), in constant time"
    assert KeyMaterial(b"x").same_as(KeyMaterial(b"x"))
    assert not KeyMaterial(b"x").same_as(KeyMaterial(b"y"))


def test_a_record_comes_back_from_its_line() -> None:
    line = material.encode(RECORD)
    back = material.decode(line)
    assert (back.family, back.kid, back.algorithm, back.created_at) == (
        RECORD.family,
        RECORD.kid,
        RECORD.algorithm,
        RECORD.created_at,
    )
    assert expose(back.key) == expose(SECRET)
    assert re.fullmatch(rb"[A-Za-z0-9_-]+", expose(line))


def test_every_truncation_and_every_changed_character_is_refused_or_another_key() -> None:
    line = expose(material.encode(RECORD))
    for length in range(len(line)):
        with pytest.raises(MaterialCorruptError):
            material.decode(KeyMaterial(line[:length]))
    for position in range(len(line)):
        changed = KeyMaterial(line[:position] + (b"A" if line[position] != 65 else b"B") + line[position + 1 :])
        try:
            other = material.decode(changed)
        except MaterialCorruptError:
            continue
        assert material.encode(other).same_as(changed)
        assert changed.digest() != KeyMaterial(line).digest()


def changed_document(**changes: object) -> KeyMaterial:
    document = canonical.from_json(base64url.decode(expose(material.encode(RECORD)).decode()).decode())
    text = canonical.to_json({name: value for name, value in (document | changes).items() if value is not ...})
    return KeyMaterial(base64url.encode(text.encode()).encode())


CHANGES: dict[str, dict[str, object]] = {
    "other version": {"v": 2},
    "version true": {"v": True},
    "missing field": {"kid": ...},
    "extra field": {"x": 1},
    "unknown family": {"family": "rsa"},
    "algorithm of the other family": {"alg": "EdDSA"},
    "malformed kid": {"kid": "1 x"},
    "short key": {"key": base64url.encode(b"short")},
    "no base64url": {"key": "+/=="},
    "key no text": {"key": 5},
    "no date": {"created": "yesterday"},
    "date without a zone": {"created": "2026-01-01T00:00:00.000000"},
    "date in another form": {"created": "2026-01-01T00:00:00Z"},
    "date in another zone": {"created": "2026-01-01T00:00:00.000000+01:00"},
    "date before all dates of UTC": {"created": "0001-01-01T00:00:00.000000+23:59"},
    "date behind all dates of UTC": {"created": "9999-12-31T23:59:59.999999-23:59"},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_another_document_is_refused_and_not_shown(changes: dict[str, object]) -> None:
    with pytest.raises(MaterialCorruptError) as caught:
        material.decode(changed_document(**changes))
    assert str(caught.value) == "stored key material is not a well-formed record of version 1 or 2"
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(MaterialCorruptError):
        material.decode(KeyMaterial(data))


def test_the_kid_of_an_aes_key_is_one_way_and_stable() -> None:
    assert material.aes_kid(KeyMaterial(bytes(32))) == material.aes_kid(KeyMaterial(bytes(32)))
    assert material.aes_kid(KeyMaterial(bytes(32))) == "aes_5f82b70ce654703ab9d9841d1fad016b"
    assert material.aes_kid(KeyMaterial(bytes(31) + b"\x01")) != material.aes_kid(KeyMaterial(bytes(32)))


def test_the_stored_line_is_fixed_for_ever() -> None:
    later = replace(RECORD, created_at=datetime(2026, 1, 1, 5, tzinfo=timezone(timedelta(hours=5))))
    text = (
        '{"alg":"A256GCM","created":"2026-01-01T00:00:00.000000+00:00","family":"aes",'
        f'"key":"{base64url.encode(expose(SECRET))}","kid":"{RECORD.kid}","v":1}}'
    )
    for record in (RECORD, later):
        assert expose(material.encode(record)) == base64url.encode(text.encode()).encode()


def test_the_stored_line_does_not_depend_on_where_the_host_stands(tokyo: None) -> None:  # noqa: ARG001
    assert material.decode(material.encode(RECORD)).created_at.utcoffset() == timedelta(0)


def test_a_line_of_16_kib_is_read_and_a_longer_one_is_not() -> None:
    def line(key_bytes: int) -> KeyMaterial:
        key = KeyMaterial(bytes(key_bytes))
        kid, algorithm = Kid("jwt_long1"), Algorithm.RS256
        return material.encode(replace(RECORD, family=Family.JWT, kid=kid, algorithm=algorithm, key=key))

    longest = 9_135
    assert len(line(longest)) == 16 * 1024
    assert material.decode(line(longest)).kid == "jwt_long1"
    with pytest.raises(MaterialCorruptError):
        material.decode(line(longest + 1))


def test_a_stored_key_that_no_ring_has_is_a_staged_version_as_of_its_making() -> None:
    jwk = PublicJwk.from_members({"kty": "OKP", "crv": "Ed25519", "x": "A" * 43})
    assert material.unused_version(RECORD, digest="d", public_jwk=jwk) == KeyVersion(
        kid=RECORD.kid,
        family=Family.AES,
        algorithm=Algorithm.A256GCM,
        digest="d",
        public_jwk=jwk,
        state=KeyState.PRE_ACTIVATION,
        created_at=RECORD.created_at,
        published_at=RECORD.created_at,
    )


def test_a_drifted_record_still_encodes_to_another_line() -> None:
    assert not material.encode(replace(RECORD, kid=Kid("other"))).same_as(material.encode(RECORD))
