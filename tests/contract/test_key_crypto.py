"""What key generators, openers and renderers promise."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from journal_keys.adapters.crypto.key_crypto import (
    CryptographyKeyGenerator,
    CryptographyKeyOpener,
    CryptographyPemRenderer,
)
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain import material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import ALGORITHMS, Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.key_crypto import NewKey

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GENERATOR = CryptographyKeyGenerator(SystemEntropy())
OPENER = CryptographyKeyOpener()
SIGNING = pytest.mark.parametrize("algorithm", sorted(ALGORITHMS[Family.JWT]))


def new_jwt(algorithm: Algorithm) -> NewKey:
    return GENERATOR.generate(Family.JWT, algorithm, NOW)


def new_aes() -> NewKey:
    return GENERATOR.generate(Family.AES, Algorithm.A256GCM, NOW)


@SIGNING
def test_no_two_signing_keys_are_the_same(algorithm: Algorithm) -> None:
    assert new_jwt(algorithm).record.kid != new_jwt(algorithm).record.kid


def test_no_two_aes_keys_are_the_same() -> None:
    assert len({new_aes().record.kid for _ in range(100)}) == 100


@SIGNING
def test_what_a_signing_key_signs_its_public_key_verifies(algorithm: Algorithm) -> None:
    key = new_jwt(algorithm)
    assert key.public_jwk is not None
    signature = OPENER.signing(key.record).sign(b"message")
    verifying = OPENER.verifying(key.record.kid, algorithm, key.public_jwk)
    assert verifying.verify(b"message", signature)
    assert not verifying.verify(b"messagf", signature)


@SIGNING
@pytest.mark.parametrize("signature", [b"", b"x", bytes(64), bytes(256), b"\xff" * 64, bytes(10_000)], ids=len)
def test_no_bytes_make_verify_raise(algorithm: Algorithm, signature: bytes) -> None:
    key = new_jwt(algorithm)
    assert key.public_jwk is not None
    assert not OPENER.verifying(key.record.kid, algorithm, key.public_jwk).verify(b"m", signature)


@SIGNING
def test_a_signing_key_is_proved_and_gives_its_public_key(algorithm: Algorithm) -> None:
    key = new_jwt(algorithm)
    assert OPENER.prove(key.record) == key.public_jwk
    assert key.public_jwk is not None
    assert key.record.kid == key.public_jwk.kid()


def test_an_aes_key_is_proved_and_has_no_public_key() -> None:
    key = new_aes()
    assert OPENER.prove(key.record) is None
    assert key.public_jwk is None
    assert key.record.kid == material.aes_kid(key.record.key)


def test_what_an_aes_key_seals_only_the_same_nonce_and_data_open() -> None:
    cipher = OPENER.cipher(new_aes().record)
    sealed = cipher.seal(b"n" * 12, b"text", b"bound")
    assert cipher.open(b"n" * 12, sealed, b"bound") == b"text"
    assert cipher.open(b"m" * 12, sealed, b"bound") is None
    assert cipher.open(b"n" * 12, sealed, b"other") is None
    assert cipher.open(b"n" * 12, sealed[:-1], b"bound") is None


@pytest.mark.parametrize("key", [new_jwt(Algorithm.EDDSA), new_aes()], ids=["jwt", "aes"])
def test_a_key_under_another_kid_is_refused(key: NewKey) -> None:
    drifted = replace(key.record, kid=Kid("another"))
    with pytest.raises(MaterialCorruptError, match="another"):
        OPENER.prove(drifted)


@SIGNING
def test_a_key_of_another_algorithm_is_refused(algorithm: Algorithm) -> None:
    other = next(a for a in ALGORITHMS[Family.JWT] if a is not algorithm)
    with pytest.raises(MaterialCorruptError, match=str(other)):
        OPENER.signing(replace(new_jwt(algorithm).record, algorithm=other))


@SIGNING
def test_bytes_that_are_no_key_are_refused_without_being_shown(algorithm: Algorithm) -> None:
    broken = replace(new_jwt(algorithm).record, key=KeyMaterial(b"canary-bytes"))
    with pytest.raises(MaterialCorruptError) as caught:
        OPENER.signing(broken)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_public_key_under_another_kid_is_refused() -> None:
    key = new_jwt(Algorithm.EDDSA)
    assert key.public_jwk is not None
    with pytest.raises(MaterialCorruptError):
        OPENER.verifying(Kid("jwt_other"), Algorithm.EDDSA, key.public_jwk)


@SIGNING
def test_pem_is_what_other_readers_load(algorithm: Algorithm) -> None:
    record = new_jwt(algorithm).record
    renderer = CryptographyPemRenderer()
    private = load_pem_private_key(expose(renderer.private_pem(record)), password=None)
    public = load_pem_public_key(expose(renderer.public_pem(record)))
    assert private.public_key() == public
