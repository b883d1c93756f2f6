"""What key generators, openers and renderers promise."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from journal_keys.adapters.crypto.key_crypto import (
    CryptographyKeyGenerator,
    CryptographyKeyOpener,
    CryptographyPemRenderer,
)
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain import base64url, material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import ALGORITHMS, Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
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


def test_what_is_derived_belongs_to_the_key_and_the_purpose_and_does_not_tell_the_key() -> None:
    one, other = new_aes().record, new_aes().record
    purposes = (b"", b"a", b"b")
    derived = [expose(OPENER.cipher(record).derive(purpose)) for record in (one, other) for purpose in purposes]
    assert {len(key) for key in derived} == {32}
    assert len({*derived, expose(one.key), expose(other.key)}) == 8
    assert derived[1] == expose(OPENER.cipher(one).derive(b"a"))


def test_what_is_derived_is_that_of_rfc_5869() -> None:
    key = KeyMaterial(bytes(range(32)))
    record = replace(new_aes().record, kid=material.aes_kid(key), key=key)
    salted = hmac.new(bytes(32), bytes(range(32)), "sha256").digest()
    expanded = hmac.new(salted, b"journal_keys/1 derived: purpose\x01", "sha256").digest()
    assert expose(OPENER.cipher(record).derive(b"purpose")) == expanded


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


SHORT_RSA = rsa.generate_private_key(65_537, 1024)  # noqa: S505 (that is the point)
FOREIGN = {
    "P-384": (Algorithm.ES256, ec.generate_private_key(ec.SECP384R1())),
    "secp256k1": (Algorithm.ES256, ec.generate_private_key(ec.SECP256K1())),
    "a curve that JWK does not know": (Algorithm.ES256, ec.generate_private_key(ec.BrainpoolP256R1())),
    "RSA of 1024 bits": (Algorithm.RS256, SHORT_RSA),
}


@pytest.mark.parametrize(("algorithm", "private"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_private_key_of_another_curve_or_length_is_refused(
    algorithm: Algorithm, private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
) -> None:
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    foreign = replace(new_jwt(algorithm).record, key=KeyMaterial(der))
    with pytest.raises(MaterialCorruptError, match=str(algorithm)):
        OPENER.signing(foreign)


ED25519_FRAME = "020100300506032b6570"
ED448_FRAME = "020100300506032b6571"


@pytest.mark.parametrize(
    ("frame", "size"), [(ED25519_FRAME, 0), (ED25519_FRAME, 31), (ED25519_FRAME, 33), (ED448_FRAME, 32)]
)
def test_a_private_key_of_a_wrong_length_in_its_frame_is_refused(frame: str, size: int) -> None:
    body = bytes.fromhex(frame) + bytes((4, size + 2, 4, size)) + b"\x01" * size
    cut = replace(new_jwt(Algorithm.EDDSA).record, key=KeyMaterial(bytes((0x30, len(body))) + body))
    with pytest.raises(MaterialCorruptError, match="EdDSA"):
        OPENER.signing(cut)


def test_a_public_rsa_key_of_1024_bits_is_refused() -> None:
    numbers = SHORT_RSA.public_key().public_numbers()
    n = base64url.encode(numbers.n.to_bytes(128, "big"))
    public = PublicJwk.from_members({"kty": "RSA", "n": n, "e": "AQAB"})
    with pytest.raises(MaterialCorruptError, match="RS256"):
        OPENER.verifying(Kid(public.kid()), Algorithm.RS256, public)


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


def imported(record: MaterialRecord) -> MaterialRecord:
    return replace(record, kid=Kid("old"), derived_kid=record.kid)


@pytest.mark.parametrize("key", [new_jwt(Algorithm.EDDSA), new_aes()], ids=["jwt", "aes"])
def test_an_imported_key_is_checked_against_the_kid_that_was_derived_at_its_import(key: NewKey) -> None:
    assert OPENER.prove(imported(key.record)) == key.public_jwk
    drifted = replace(imported(key.record), derived_kid=Kid("another"))
    with pytest.raises(MaterialCorruptError, match="old"):
        OPENER.prove(drifted)


def test_a_public_key_is_checked_against_it_too() -> None:
    key = new_jwt(Algorithm.ES256)
    assert key.public_jwk is not None
    OPENER.verifying(Kid("old"), Algorithm.ES256, key.public_jwk, derived_kid=key.record.kid)
    for derived in (None, Kid("another")):
        with pytest.raises(MaterialCorruptError, match="old"):
            OPENER.verifying(Kid("old"), Algorithm.ES256, key.public_jwk, derived_kid=derived)


def shared() -> MaterialRecord:
    secret = KeyMaterial(bytes(range(40)))
    kid = material.shared_secret_kid(secret)
    return replace(new_aes().record, family=Family.JWT, algorithm=Algorithm.HS256, key=secret, kid=kid, derived_kid=kid)


def test_a_shared_secret_verifies_what_was_made_with_it_and_nothing_else() -> None:
    verifying = OPENER.verifying_shared(shared())
    signature = hmac.digest(bytes(range(40)), b"message", "sha256")
    assert verifying.verify(b"message", signature)
    assert not verifying.verify(b"messagf", signature)
    assert not any(verifying.verify(b"message", other) for other in (b"", signature[:-1], bytes(32)))
    assert (verifying.kid, verifying.algorithm) == (shared().kid, Algorithm.HS256)
    assert OPENER.prove(shared()) is None


def test_a_shared_secret_of_another_kid_or_kind_is_refused() -> None:
    for wrong in (replace(shared(), derived_kid=Kid("another")), new_aes().record):
        with pytest.raises(MaterialCorruptError):
            OPENER.verifying_shared(wrong)


def fernet(seed: int) -> MaterialRecord:
    key = KeyMaterial(bytes([seed]) * 32)
    kid = material.aes_kid(key)
    return replace(new_aes().record, algorithm=Algorithm.FERNET, key=key, kid=kid, derived_kid=kid)


def test_a_foreign_reader_opens_what_any_of_its_keys_sealed() -> None:
    reader = OPENER.foreign_reader((fernet(1), fernet(2)))
    for seed in (1, 2):
        assert reader.open(Fernet(urlsafe_b64encode(bytes([seed]) * 32)).encrypt(b"said").decode()) == b"said"
    for strange in (Fernet(urlsafe_b64encode(bytes(32))).encrypt(b"x").decode(), "", "gAAAAA", "\u2713"):
        assert reader.open(strange) is None
    assert OPENER.prove(fernet(1)) is None


def test_a_fernet_key_of_another_kid_or_kind_is_refused() -> None:
    for wrong in (replace(fernet(1), derived_kid=Kid("another")), new_aes().record):
        with pytest.raises(MaterialCorruptError):
            OPENER.foreign_reader((wrong,))
    with pytest.raises(MaterialCorruptError):
        OPENER.cipher(fernet(1))
