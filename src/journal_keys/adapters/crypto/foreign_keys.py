"""Keys from environment variables, read with the cryptography library; tokens of before are made with PyJWT."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys.adapters.crypto.key_crypto import derived_kid
from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtVerifier
from journal_keys.domain import base64url, canonical
from journal_keys.domain.errors import InvalidNameError, JournalKeysError, MaterialCorruptError
from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.keys import Algorithm, Family, Kid, parse_kid
from journal_keys.domain.material import AES_KEY_BYTES, KeyMaterial, MaterialRecord, aes_kid, shared_secret_kid
from journal_keys.domain.paths import MARKER_NAME
from journal_keys.domain.token import TokenProfile
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.foreign_keys import ForeignKeyError, ForeignKeys, Work, WorkForm, WorkReader
from journal_keys.ports.key_crypto import KeyOpener, NewKey

_LEAST_SECRET: Final = 32
_MOST_KEYS: Final = 1000
_PEM: Final = "expected a private key in PEM: Ed25519, P-256, or RSA of 2048 bits at least, without a passphrase"
_ALGORITHMS: Final[dict[type, Algorithm]] = {
    Ed25519PrivateKey: Algorithm.EDDSA,
    EllipticCurvePrivateKey: Algorithm.ES256,
    RSAPrivateKey: Algorithm.RS256,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CryptographyForeignKeys(ForeignKeys):
    """Proves each key as soon as it is read."""

    opener: KeyOpener
    profile: TokenProfile
    clock: Clock
    entropy: Entropy

    def signing_key(
        self, private: KeyMaterial, public: KeyMaterial | None, *, kid: Kid | None, created_at: datetime
    ) -> NewKey:
        """Read PEM."""
        key = _private_key(private)
        algorithm = next((name for kind, name in _ALGORITHMS.items() if isinstance(key, kind)), None)
        if key is None or algorithm is None:
            raise ForeignKeyError(_PEM)
        if public is not None and not _is_half(public, key):
            raise ForeignKeyError("the public key is not that of the private key: expected the pair in PEM")
        der = KeyMaterial(
            key.private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        derived = _derived(algorithm, key)
        if derived is None:
            raise ForeignKeyError(_PEM)
        return self._proved(
            MaterialRecord(
                family=Family.JWT,
                kid=kid or derived,
                algorithm=algorithm,
                created_at=created_at,
                key=der,
                derived_kid=derived,
            ),
            _PEM,
        )

    def shared_secret(self, secret: KeyMaterial, *, created_at: datetime) -> NewKey:
        """Take the bytes as they are."""
        form = f"a secret for HS256 has {_LEAST_SECRET} bytes at least (RFC 7518 §3.2)"
        if len(secret) < _LEAST_SECRET:
            raise ForeignKeyError(f"{form}, not {len(secret)}: tokens of a shorter one can be forged")
        derived = shared_secret_kid(secret)
        record = MaterialRecord(
            family=Family.JWT,
            kid=derived,
            algorithm=Algorithm.HS256,
            created_at=created_at,
            key=secret,
            derived_kid=derived,
        )
        return self._proved(record, form)

    def aes_keys(self, keys: KeyMaterial, *, created_at: datetime) -> Sequence[NewKey]:
        """Read JSON."""
        form = 'expected a JSON object {"kid": "32 bytes in base64url", …}, each kid and key once'
        try:
            members = canonical.from_json(as_text(expose(keys)) or "")
        except ValueError:
            members = None  # raised from here, the refusal would carry the text along
        if not isinstance(members, dict) or not 1 <= len(members) <= _MOST_KEYS:
            raise ForeignKeyError(form)
        read = [(_kid(name), _key(value)) for name, value in members.items()]
        if any(kid is None or key is None for kid, key in read):
            raise ForeignKeyError(form)
        return self._distinct([self._symmetric(kid, key, Algorithm.A256GCM, created_at) for kid, key in read], form)

    def fernet_keys(self, keys: KeyMaterial, *, created_at: datetime) -> Sequence[NewKey]:
        """Read them in their order."""
        form = "expected Fernet keys, 32 bytes in base64url each, separated by commas, each once"
        read = [_key(part.strip()) for part in (as_text(expose(keys)) or "").split(",")]
        if len(read) > _MOST_KEYS or any(key is None for key in read):
            raise ForeignKeyError(form)
        return self._distinct([self._symmetric(None, key, Algorithm.FERNET, created_at) for key in read], form)

    def kid(self, text: KeyMaterial) -> Kid:
        """Parse it."""
        found = _kid(as_text(expose(text)))
        if found is None:
            raise ForeignKeyError("expected a kid: [A-Za-z_][A-Za-z0-9_-]{0,63}")
        return found

    def work(self, key: NewKey, *, said: str) -> Work:
        """Use the key with the libraries that applications use."""
        record = key.record
        form, text = self._made(record, said)
        return Work(kid=record.kid, form=form, text=KeyMaterial(text.encode("ascii")), said=said)

    def _made(self, record: MaterialRecord, said: str) -> tuple[WorkForm, str]:
        secret = expose(record.key)
        if record.algorithm is Algorithm.FERNET:
            return WorkForm.FERNET, Fernet(urlsafe_b64encode(secret)).encrypt(said.encode("utf-8")).decode("ascii")
        if record.family is Family.JWT:
            return WorkForm.TOKEN, self._token(record, secret, said)
        nonce = self.entropy.token(12)
        sealed = AESGCM(secret).encrypt(nonce, said.encode("utf-8"), None)
        envelope = {"v": 1, "kid": record.kid, "iv": base64url.encode(nonce), "ct": base64url.encode(sealed)}
        return WorkForm.ENVELOPE_V1, json.dumps(envelope, separators=(",", ":"))

    def _token(self, record: MaterialRecord, secret: bytes, said: str) -> str:
        key: Any = secret
        if record.algorithm is not Algorithm.HS256:
            key = serialization.load_der_private_key(secret, password=None)
        issued_s = int(self.clock.unix_s())
        claims = {
            "sub": said,
            "iss": self.profile.issuer,
            "aud": self.profile.audience,
            "iat": issued_s,
            "exp": issued_s + max(1, int(self.profile.longest_token.total_seconds())),
        }
        headers = {} if record.kid == record.derived_kid else {"kid": record.kid}
        return jwt.encode(claims, key, algorithm=record.algorithm.value, headers=headers)

    def _symmetric(self, kid: Kid | None, key: KeyMaterial | None, algorithm: Algorithm, at: datetime) -> NewKey:
        if key is None:
            raise ForeignKeyError("expected 32 bytes in base64url")
        derived = aes_kid(key)
        record = MaterialRecord(
            family=Family.AES, kid=kid or derived, algorithm=algorithm, created_at=at, key=key, derived_kid=derived
        )
        return self._proved(record, "expected 32 bytes in base64url")

    def _proved(self, record: MaterialRecord, form: str) -> NewKey:
        try:
            return NewKey(record=record, public_jwk=self.opener.prove(record))
        except MaterialCorruptError:
            pass  # raised from here, the refusal would carry the error's own context along
        raise ForeignKeyError(form)

    def _distinct(self, keys: Sequence[NewKey], form: str) -> Sequence[NewKey]:
        if len({key.record.derived_kid for key in keys}) != len(keys):
            raise ForeignKeyError(form)
        return keys


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewWorkReader(WorkReader):
    """The verifier and the cipher that the application gets."""

    verifier: JwtVerifier
    cipher: TokenCipher

    def reads(self, work: Work) -> bool:
        """Try."""
        text = as_text(expose(work.text)) or ""
        try:
            if work.form is WorkForm.TOKEN:
                return bool(self.verifier.verify(text).get("sub") == work.said)
            return self.cipher.decrypt(text) == work.said
        except JournalKeysError:
            return False


def _private_key(pem: KeyMaterial) -> Any:  # noqa: ANN401 (one of many kinds)
    """Give the key; None for anything else: the library's own error might carry the text along."""
    try:
        return serialization.load_pem_private_key(_lines(pem), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _lines(pem: KeyMaterial) -> bytes:
    r"""Undo what env files do to PEM: `\n` in one line instead of new lines."""
    return expose(pem).strip().replace(rb"\n", b"\n") + b"\n"


def _is_half(public: KeyMaterial, private: Any) -> bool:  # noqa: ANN401 (one of many kinds)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        found: Any = serialization.load_pem_public_key(_lines(public))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return bool(found.public_bytes(*form) == private.public_key().public_bytes(*form))


def _derived(algorithm: Algorithm, private: Any) -> Kid | None:  # noqa: ANN401 (one of many kinds)
    try:
        return derived_kid(algorithm, private)
    except (InvalidNameError, ValueError, TypeError):
        return None


def _kid(text: object) -> Kid | None:
    try:
        return parse_kid(text) if isinstance(text, str) and text != MARKER_NAME else None
    except InvalidNameError:
        return None


def _key(text: object) -> KeyMaterial | None:
    """Read 32 bytes of base64url, with or without padding."""
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        key = urlsafe_b64decode(text + "=" * (-len(text) & 3))
    except (ValueError, binascii.Error):
        return None
    is_exact = text.removesuffix("=") == base64url.encode(key)
    return KeyMaterial(key) if len(key) == AES_KEY_BYTES and is_exact else None
