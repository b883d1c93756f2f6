"""Keys as objects that compute: made, opened, proved, rendered."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord


@runtime_checkable
class SigningKey(Protocol):
    """A private key that signs under one kid and one algorithm."""

    kid: Kid
    algorithm: Algorithm

    @abstractmethod
    def sign(self, message: bytes) -> bytes:
        """Give the JWS signature of `message` (RFC 7518 §3)."""
        ...


@runtime_checkable
class VerifyingKey(Protocol):
    """A public key that verifies under one kid and one algorithm."""

    kid: Kid
    algorithm: Algorithm

    @abstractmethod
    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `message`; never raises for any bytes."""
        ...


@runtime_checkable
class CipherKey(Protocol):
    """An AES-256-GCM key."""

    kid: Kid
    bound_prefix: bytes
    """The AAD of envelope v2 before the caller's context."""

    @abstractmethod
    def seal(self, nonce: bytes, plaintext: bytes, bound: bytes | None) -> bytes:
        """Give ciphertext ‖ tag (16 bytes). The nonce has 12 bytes and is used once."""
        ...

    @abstractmethod
    def open(self, nonce: bytes, sealed: bytes, bound: bytes | None) -> bytes | None:
        """Give the plaintext, or None where authentication fails."""
        ...

    @abstractmethod
    def derive(self, purpose: bytes) -> KeyMaterial:
        """Give 32 bytes that belong to this key and purpose (HKDF-SHA256, RFC 5869); they do not tell the key."""
        ...


@runtime_checkable
class ForeignReader(Protocol):
    """Imported keys that open what another library sealed, and that names no key."""

    @abstractmethod
    def open(self, text: str) -> bytes | None:
        """Give the plaintext, or None where none of the keys opens it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewKey:
    """A key that nobody has seen yet. `public_jwk` is None exactly for symmetric keys."""

    record: MaterialRecord
    public_jwk: PublicJwk | None


@runtime_checkable
class KeyGenerator(Protocol):
    """Makes keys."""

    @abstractmethod
    def generate(self, family: Family, algorithm: Algorithm, created_at: datetime) -> NewKey:
        """Make a key with a kid derived from it; no two calls give the same key."""
        ...


@runtime_checkable
class KeyOpener(Protocol):
    """Turns stored material into key objects, and checks that a key is the one its kid names.

    Every method raises `MaterialCorruptError` when the bytes are no key of the algorithm, or the kid is not derived
    from the key; of an imported key that holds for the kid that was derived at its import.
    """

    @abstractmethod
    def signing(self, record: MaterialRecord) -> SigningKey:
        """Open a private signing key."""
        ...

    @abstractmethod
    def verifying(
        self, kid: Kid, algorithm: Algorithm, public: PublicJwk, *, derived_kid: Kid | None = None
    ) -> VerifyingKey:
        """Open a public key; `derived_kid` is that of an imported one."""
        ...

    @abstractmethod
    def verifying_shared(self, record: MaterialRecord) -> VerifyingKey:
        """Open a secret that signer and verifier shared (HS256), for verifying only."""
        ...

    @abstractmethod
    def cipher(self, record: MaterialRecord) -> CipherKey:
        """Open an AES key."""
        ...

    @abstractmethod
    def foreign_reader(self, records: Sequence[MaterialRecord]) -> ForeignReader:
        """Open Fernet keys, for decrypting only."""
        ...

    @abstractmethod
    def prove(self, record: MaterialRecord) -> PublicJwk | None:
        """Sign and verify, or seal and open, with what the record holds; give the public key of a signing key."""
        ...


@runtime_checkable
class PemRenderer(Protocol):
    """Writes keys in the textual form that other readers expect (RFC 7468)."""

    @abstractmethod
    def private_pem(self, record: MaterialRecord) -> KeyMaterial:
        """PKCS #8, unencrypted, as the secret store's readers expect it."""
        ...

    @abstractmethod
    def public_pem(self, record: MaterialRecord) -> KeyMaterial:
        """SubjectPublicKeyInfo."""
        ...
