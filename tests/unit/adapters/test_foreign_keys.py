"""Keys from environment variables: each form is read, everything else is refused without being shown."""

import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from journal_keys.adapters.crypto.foreign_keys import CryptographyForeignKeys
from journal_keys.domain import material
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.foreign_keys import ForeignKeyError, ForeignKeys
from journal_keys.ports.key_crypto import NewKey
from tests.support.imported import ED25519, P256, SHARED, PrivateKey, aes_json, foreign_keys, pem, public_pem, text_key
from tests.support.world import World

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RSA = rsa.generate_private_key(65_537, 2048)
CANARY = "c4n4ry"


@pytest.fixture
def foreign() -> CryptographyForeignKeys:
    return foreign_keys(World())


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        pytest.param(ED25519, Algorithm.EDDSA, id="Ed25519"),
        pytest.param(P256, Algorithm.ES256, id="P-256"),
        pytest.param(RSA, Algorithm.RS256, id="RSA"),
    ],
)
def test_a_private_key_in_pem_is_read_with_its_own_kid_or_the_one_it_had(
    foreign: ForeignKeys, private: PrivateKey, algorithm: Algorithm
) -> None:
    for kid in (None, Kid("dev-2024")):
        key = foreign.signing_key(pem(private), public_pem(private), kid=kid, created_at=NOW)
        assert key.public_jwk is not None
        assert key.record.derived_kid == key.public_jwk.kid()
        assert key.record.kid == (kid or key.record.derived_kid)
        assert (key.record.family, key.record.algorithm, key.record.created_at) == (Family.JWT, algorithm, NOW)


def test_pem_in_one_line_with_escaped_line_ends_is_the_same_key(foreign: ForeignKeys) -> None:
    line = KeyMaterial(expose(pem(ED25519)).strip().replace(b"\n", rb"\n"))
    one = foreign.signing_key(line, None, kid=None, created_at=NOW)
    assert one.record.kid == foreign.signing_key(pem(ED25519), None, kid=None, created_at=NOW).record.kid


def test_a_traditional_pem_of_an_ec_or_rsa_key_is_read(foreign: ForeignKeys) -> None:
    for private in (P256, RSA):
        form = (
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        old = foreign.signing_key(KeyMaterial(private.private_bytes(*form)), None, kid=None, created_at=NOW)
        assert old.record.kid == foreign.signing_key(pem(private), None, kid=None, created_at=NOW).record.kid


def test_a_shared_secret_is_taken_byte_for_byte(foreign: ForeignKeys) -> None:
    key = foreign.shared_secret(SHARED, created_at=NOW)
    assert key.record.key.same_as(SHARED)
    assert key.record.algorithm is Algorithm.HS256
    assert key.record.kid == key.record.derived_kid == material.shared_secret_kid(SHARED)
    assert key.public_jwk is None


def test_aes_keys_keep_their_kids_padded_or_not(foreign: ForeignKeys) -> None:
    padded = json.dumps({"k1": text_key(1), "prod-2023": text_key(2)})
    for text in (padded, padded.replace("=", "")):
        keys = foreign.aes_keys(KeyMaterial(text.encode()), created_at=NOW)
        assert [key.record.kid for key in keys] == ["k1", "prod-2023"]
        assert [key.record.derived_kid for key in keys] == [material.aes_kid(key.record.key) for key in keys]
        assert {key.record.algorithm for key in keys} == {Algorithm.A256GCM}


def test_fernet_keys_are_read_in_their_order(foreign: ForeignKeys) -> None:
    keys = foreign.fernet_keys(KeyMaterial(f"{text_key(1)}, {text_key(2)}".encode()), created_at=NOW)
    assert [key.record.kid for key in keys] == [material.aes_kid(key.record.key) for key in keys]
    assert {(key.record.family, key.record.algorithm) for key in keys} == {(Family.AES, Algorithm.FERNET)}
    assert len({key.record.kid for key in keys}) == 2


def signing(text: bytes, public: bytes | None = None) -> Callable[[ForeignKeys], NewKey]:
    half = KeyMaterial(public) if public is not None else None
    return lambda foreign: foreign.signing_key(KeyMaterial(text), half, kid=None, created_at=NOW)


def aes(text: str) -> Callable[[ForeignKeys], object]:
    return lambda foreign: foreign.aes_keys(KeyMaterial(text.encode()), created_at=NOW)


def fernet(text: str) -> Callable[[ForeignKeys], object]:
    return lambda foreign: foreign.fernet_keys(KeyMaterial(text.encode()), created_at=NOW)


def locked() -> bytes:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    return ED25519.private_bytes(*form, serialization.BestAvailableEncryption(b"pw"))


P384 = pem(ec.generate_private_key(ec.SECP384R1()))
REFUSED = {
    "no PEM": signing(CANARY.encode()),
    "nothing": signing(b""),
    "a public key": signing(expose(public_pem(P256))),
    "a passphrase": signing(locked()),
    "another curve": signing(expose(P384)),
    "RSA of 1024 bits": signing(expose(pem(rsa.generate_private_key(65_537, 1024)))),  # noqa: S505 (the point)
    "another public half": signing(expose(pem(P256)), expose(public_pem(ED25519))),
    "a public half that is none": signing(expose(pem(P256)), CANARY.encode()),
    "a short secret": lambda foreign: foreign.shared_secret(KeyMaterial(CANARY.encode() * 5), created_at=NOW),
    "no JSON": aes(CANARY),
    "no object": aes(f'["{CANARY}"]'),
    "an empty object": aes("{}"),
    "a key twice": aes(json.dumps({"a": text_key(1), "b": text_key(1)})),
    "a kid twice": aes(f'{{"a": "{text_key(1)}", "a": "{text_key(2)}"}}'),
    "a malformed kid": aes(json.dumps({f"1{CANARY}": text_key(1)})),
    "a short key": aes(json.dumps({"a": text_key(1)[:-4], "b": CANARY})),
    "a key with stray bits": aes(json.dumps({"a": text_key(1)[:-2] + "9="})),
    "a key with one sign of padding too many": aes(json.dumps({"a": text_key(1) + "="})),
    "a key that is a number": aes('{"a": 5}'),
    "no Fernet key": fernet(CANARY),
    "a comma too many": fernet(text_key(1) + ","),
    "a Fernet key twice": fernet(f"{text_key(1)},{text_key(1)}"),
    "no kid": lambda foreign: foreign.kid(KeyMaterial(f"9{CANARY}".encode())),
    "a kid of other bytes": lambda foreign: foreign.kid(KeyMaterial(b"\xff" + CANARY.encode())),
}


@pytest.mark.parametrize("read", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_key_is_refused_and_nothing_of_it_is_told(
    foreign: ForeignKeys, read: Callable[[ForeignKeys], object]
) -> None:
    with pytest.raises(ForeignKeyError) as caught:
        read(foreign)
    told = "".join(traceback.format_exception(caught.value))
    assert CANARY not in told
    assert text_key(1)[:20] not in told
    assert caught.value.__context__ is None


def test_a_stored_line_of_an_imported_key_is_checked_against_the_derived_kid(foreign: ForeignKeys) -> None:
    key = foreign.aes_keys(aes_json("old"), created_at=NOW)[0].record
    back = material.decode(material.encode(key))
    assert (back.kid, back.derived_kid) == ("old", material.aes_kid(key.key))
