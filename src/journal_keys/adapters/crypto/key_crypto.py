"""Keys made, opened, proved and rendered with the cryptography library; JWS primitives are PyJWT's."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InternalError, InvalidTag, UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import Algorithm as JwsAlgorithm
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import InvalidKeyError

from journal_keys.domain.envelope import bound_data
from journal_keys.domain.errors import InvalidNameError, MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import (
    AES_KEY_BYTES,
    KeyMaterial,
    MaterialRecord,
    aes_kid,
    shared_secret_kid,
)
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.key_crypto import (
    CipherKey,
    ForeignReader,
    KeyGenerator,
    KeyOpener,
    NewKey,
    PemRenderer,
    SigningKey,
    VerifyingKey,
)

PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
PublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

_JWS: Final = get_default_algorithms()
_RSA_BITS: Final = 2048
_RSA_EXPONENT: Final = 65_537
_PROBE: Final = b"journal_keys probe"
_DERIVED: Final = b"journal_keys/1 derived: "


@dataclass(frozen=True, slots=True, eq=False)
class JwsSigningKey(SigningKey):
    """A private key with PyJWT's primitive for its algorithm; `key` serves whoever calls `jwt.encode` themselves."""

    kid: Kid
    algorithm: Algorithm
    key: PrivateKey
    primitive: JwsAlgorithm

    def sign(self, message: bytes) -> bytes:
        """Sign."""
        return self.primitive.sign(message, self.key)

    def __repr__(self) -> str:
        return f"JwsSigningKey({self.kid})"


@dataclass(frozen=True, slots=True, eq=False)
class JwsVerifyingKey(VerifyingKey):
    """A public key with PyJWT's primitive for its algorithm."""

    kid: Kid
    algorithm: Algorithm
    key: PublicKey
    primitive: JwsAlgorithm

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Verify."""
        return self.primitive.verify(message, self.key, signature)


class HmacVerifyingKey(VerifyingKey):
    """A shared secret with PyJWT's primitive for its algorithm; it is never asked to sign."""

    __slots__ = ("_key", "_primitive", "algorithm", "kid")

    def __init__(self, kid: Kid, algorithm: Algorithm, key: KeyMaterial) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self._key = expose(key)
        self._primitive = _JWS[algorithm]

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Verify."""
        return self._primitive.verify(message, self._key, signature)


class FernetReader(ForeignReader):
    """The cryptography library's MultiFernet: tokens name no key, so each is tried in turn."""

    def __init__(self, keys: Sequence[KeyMaterial]) -> None:
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(expose(key))) for key in keys])

    def open(self, text: str) -> bytes | None:
        """Decrypt."""
        try:
            return self._fernet.decrypt(text)
        except (InvalidToken, ValueError):
            return None


class AesCipherKey(CipherKey):
    """AES-256-GCM."""

    __slots__ = ("_decrypt", "_encrypt", "_key", "bound_prefix", "kid")

    def __init__(self, kid: Kid, key: KeyMaterial) -> None:
        self.kid = kid
        self._key = key
        self.bound_prefix = bound_data(kid, b"")
        gcm = AESGCM(expose(key))
        self._encrypt, self._decrypt = gcm.encrypt, gcm.decrypt

    def seal(self, nonce: bytes, plaintext: bytes, bound: bytes | None) -> bytes:
        """Encrypt."""
        return self._encrypt(nonce, plaintext, bound)

    def open(self, nonce: bytes, sealed: bytes, bound: bytes | None) -> bytes | None:
        """Decrypt."""
        try:
            return self._decrypt(nonce, sealed, bound)
        except InvalidTag:
            return None

    def derive(self, purpose: bytes) -> KeyMaterial:
        """Derive with HKDF."""
        derivation = HKDF(algorithm=SHA256(), length=AES_KEY_BYTES, salt=None, info=_DERIVED + purpose)
        return KeyMaterial(derivation.derive(expose(self._key)))


@dataclass(frozen=True, slots=True)
class CryptographyKeyGenerator(KeyGenerator):
    """Ed25519 and AES keys from the entropy port; P-256 and RSA-2048 from the library's own generator."""

    entropy: Entropy

    def generate(self, family: Family, algorithm: Algorithm, created_at: datetime) -> NewKey:
        """Make a key."""
        if family is Family.AES:
            secret = KeyMaterial(self.entropy.token(AES_KEY_BYTES))
            return NewKey(record=_record(family, aes_kid(secret), algorithm, created_at, secret), public_jwk=None)
        private = self._private(algorithm)
        public = _public_jwk(algorithm, private)
        der = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        record = _record(family, Kid(public.kid()), algorithm, created_at, KeyMaterial(der))
        return NewKey(record=record, public_jwk=public)

    def _private(self, algorithm: Algorithm) -> PrivateKey:
        match algorithm:
            case Algorithm.EDDSA:
                return Ed25519PrivateKey.from_private_bytes(self.entropy.token(32))
            case Algorithm.ES256:
                return generate_private_key(SECP256R1())
            case Algorithm.RS256:
                return generate_rsa_key(_RSA_EXPONENT, _RSA_BITS)
            case _:
                raise InvalidNameError(f"{algorithm} is no signing algorithm: expected EdDSA, ES256 or RS256")


class CryptographyKeyOpener(KeyOpener):
    """Parsed key objects, each checked against its kid."""

    def signing(self, record: MaterialRecord) -> JwsSigningKey:
        """Open a private key."""
        private = _load(record)
        if _public_jwk(record.algorithm, private).kid() != record.own_kid:
            raise MaterialCorruptError(f"the material of {record.kid} is another key than its kid names")
        return JwsSigningKey(record.kid, record.algorithm, private, _JWS[record.algorithm])

    def verifying(
        self, kid: Kid, algorithm: Algorithm, public: PublicJwk, *, derived_kid: Kid | None = None
    ) -> JwsVerifyingKey:
        """Open a public key."""
        if public.kid() != (derived_kid or kid):
            raise MaterialCorruptError(f"the public key of {kid} is another key than its kid names")
        try:
            key = _JWS[algorithm].from_jwk(dict(public.members))
        except (ValueError, KeyError, InvalidKeyError):
            key = None
        if not _is_for(algorithm, key):
            raise MaterialCorruptError(f"the public key of {kid} is no {algorithm} key")
        return JwsVerifyingKey(kid, algorithm, key, _JWS[algorithm])

    def verifying_shared(self, record: MaterialRecord) -> HmacVerifyingKey:
        """Open a shared secret."""
        if record.algorithm is not Algorithm.HS256:
            raise MaterialCorruptError(f"the material of {record.kid} is no shared secret")
        if shared_secret_kid(record.key) != record.own_kid:
            raise MaterialCorruptError(f"the material of {record.kid} is another key than its kid names")
        return HmacVerifyingKey(record.kid, record.algorithm, record.key)

    def cipher(self, record: MaterialRecord) -> AesCipherKey:
        """Open an AES key."""
        _check_symmetric(record, Algorithm.A256GCM)
        return AesCipherKey(record.kid, record.key)

    def foreign_reader(self, records: Sequence[MaterialRecord]) -> FernetReader:
        """Open Fernet keys."""
        for record in records:
            _check_symmetric(record, Algorithm.FERNET)
        return FernetReader([record.key for record in records])

    def prove(self, record: MaterialRecord) -> PublicJwk | None:
        """Use the key both ways, where it has two."""
        if record.algorithm is Algorithm.HS256:
            self.verifying_shared(record)
            return None
        if record.algorithm is Algorithm.FERNET:
            self.foreign_reader((record,))
            return None
        if record.family is Family.AES:
            cipher = self.cipher(record)
            nonce = bytes(12)  # the probe is thrown away, and no other plaintext is ever sealed under this AAD
            if cipher.open(nonce, cipher.seal(nonce, _PROBE, _PROBE), _PROBE) != _PROBE:
                raise MaterialCorruptError(f"the material of {record.kid} does not open what it sealed")
            return None
        signing = self.signing(record)
        public = _public_jwk(record.algorithm, signing.key)
        verifying = self.verifying(record.kid, record.algorithm, public, derived_kid=record.derived_kid)
        if not verifying.verify(_PROBE, signing.sign(_PROBE)):
            raise MaterialCorruptError(f"the material of {record.kid} does not verify what it signed")
        return public


class CryptographyPemRenderer(PemRenderer):
    """PEM (RFC 7468)."""

    def private_pem(self, record: MaterialRecord) -> KeyMaterial:
        """Render PKCS #8."""
        text = _load(record).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return KeyMaterial(text)

    def public_pem(self, record: MaterialRecord) -> KeyMaterial:
        """Render SubjectPublicKeyInfo."""
        public = _load(record).public_key()
        text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return KeyMaterial(text)


def derived_kid(algorithm: Algorithm, private: PrivateKey) -> Kid:
    """Give the kid that belongs to a private key.

    Raises:
        InvalidNameError: it is of another curve.
    """
    return Kid(_public_jwk(algorithm, private).kid())


def _record(family: Family, kid: Kid, algorithm: Algorithm, created_at: datetime, key: KeyMaterial) -> MaterialRecord:
    return MaterialRecord(family=family, kid=kid, algorithm=algorithm, created_at=created_at, key=key)


def _check_symmetric(record: MaterialRecord, algorithm: Algorithm) -> None:
    if record.algorithm is not algorithm or len(record.key) != AES_KEY_BYTES:
        name = "AES-256" if algorithm is Algorithm.A256GCM else algorithm.value
        raise MaterialCorruptError(f"the material of {record.kid} is no {name} key")
    if aes_kid(record.key) != record.own_kid:
        raise MaterialCorruptError(f"the material of {record.kid} is another key than its kid names")


def _load(record: MaterialRecord) -> PrivateKey:
    try:
        loaded: Any = serialization.load_der_private_key(expose(record.key), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):  # the last: of a wrong length in its frame
        loaded = None
    if loaded is None or not _is_for(record.algorithm, loaded.public_key()):
        raise MaterialCorruptError(f"the material of {record.kid} is no {record.algorithm} private key")
    private: PrivateKey = loaded
    return private


def _is_for(algorithm: Algorithm, public: object) -> bool:
    """Whether the key is of the algorithm's curve (RFC 7518 §3.4) or length (RFC 7518 §3.3)."""
    match public:
        case Ed25519PublicKey():
            return algorithm is Algorithm.EDDSA
        case EllipticCurvePublicKey():
            return algorithm is Algorithm.ES256 and isinstance(public.curve, SECP256R1)
        case RSAPublicKey():
            return algorithm is Algorithm.RS256 and public.key_size >= _RSA_BITS
    return False


def _public_jwk(algorithm: Algorithm, private: PrivateKey) -> PublicJwk:
    members: dict[str, Any] = dict(_JWS[algorithm].to_jwk(private.public_key(), as_dict=True))
    members.pop("key_ops", None)
    return PublicJwk.from_members(members)
