"""Keys that an application kept for itself: read, used as it used them, and tried through this package."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from journal_keys.domain.errors import RefusedError
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.key_crypto import NewKey


class ForeignKeyError(RefusedError):
    """A text is no key of the form that was expected. The message holds nothing of it."""


class WorkForm(StrEnum):
    """What an application made with a key."""

    TOKEN = "token"  # noqa: S105 (a name)
    ENVELOPE_V1 = "envelope_v1"
    FERNET = "fernet"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """A token with the claim `sub`, or a ciphertext of the text `said`, as the application would have made it."""

    kid: Kid
    form: WorkForm
    text: KeyMaterial
    said: str


@runtime_checkable
class ForeignKeys(Protocol):
    """Reads keys in the forms in which environment variables hold them. Every method raises `ForeignKeyError`.

    What it gives has the kid that is handed in, or else the derived one, and is marked as imported.
    """

    @abstractmethod
    def signing_key(
        self, private: KeyMaterial, public: KeyMaterial | None, *, kid: Kid | None, created_at: datetime
    ) -> NewKey:
        """Read a private key in PEM: Ed25519, P-256, or RSA of 2,048 bits at least; a public one has to be its half."""
        ...

    @abstractmethod
    def shared_secret(self, secret: KeyMaterial, *, created_at: datetime) -> NewKey:
        """Read a secret for HS256, 32 bytes at least (RFC 7518 §3.2)."""
        ...

    @abstractmethod
    def aes_keys(self, keys: KeyMaterial, *, created_at: datetime) -> Sequence[NewKey]:
        """Read a JSON object of kids and keys, 32 bytes in base64url each, padded or not; no kid or key comes twice."""
        ...

    @abstractmethod
    def fernet_keys(self, keys: KeyMaterial, *, created_at: datetime) -> Sequence[NewKey]:
        """Read Fernet keys, separated by commas as for MultiFernet; no key comes twice."""
        ...

    @abstractmethod
    def kid(self, text: KeyMaterial) -> Kid:
        """Read a kid."""
        ...

    @abstractmethod
    def work(self, key: NewKey, *, said: str) -> Work:
        """Make what the application would have made with this key, without this package's ways of making it."""
        ...


@runtime_checkable
class WorkReader(Protocol):
    """Reads what an application made, through the views of this process."""

    @abstractmethod
    def reads(self, work: Work) -> bool:
        """Whether a token verifies, or a ciphertext opens, and says what it was made to say. Never raises."""
        ...
