"""Secret bytes: `KeyMaterial` holds them, `MaterialRecord` describes a stored key in one line.

The line is base64url of a small JSON object, so no quoting, trimming, expansion or new-line rule of any tool can
touch it, and the ledger can be rebuilt from the store.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from journal_keys.domain import base64url, canonical
from journal_keys.domain.errors import JournalKeysError, MaterialCorruptError
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import (
    Algorithm,
    Family,
    KeyState,
    KeyVersion,
    Kid,
    parse_algorithm,
    parse_family,
    parse_kid,
)

AES_KEY_BYTES: Final = 32
_MAX_LINE: Final = 16 * 1024
_OWN_FIELDS: Final = frozenset({"v", "family", "kid", "alg", "created", "key"})
_MADE_HERE: Final = 1
_IMPORTED: Final = 2
_FIELDS: Final[Mapping[object, frozenset[str]]] = {_MADE_HERE: _OWN_FIELDS, _IMPORTED: _OWN_FIELDS | {"derived"}}
"""By version of the line."""
_AES_KID_LABEL: Final = b"journal_keys/1 aes kid"
_AES_KID_BYTES: Final = 16
_HMAC_KID_LABEL: Final = b"journal_keys/1 hmac kid"
_HMAC_KID_CHARACTERS: Final = 22
_UTC_OFFSET: Final = timedelta(0)


class KeyMaterial:
    """Secret bytes that cannot be printed, pickled, copied or compared by accident.

    Only modules that the `protected` import contract names may open it, through `exposure.expose`.
    Python cannot erase memory: the bytes live until they are collected, and perhaps longer.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = bytes(secret)

    def __len__(self) -> int:
        return len(self._secret)

    def digest(self) -> str:
        """SHA-256 in hex. Outside of what is sealed only for high-entropy material: a short secret could be guessed."""
        return hashlib.sha256(self._secret).hexdigest()

    def fingerprint(self, key: "KeyMaterial") -> str:
        """12 hex digits of HMAC-SHA256 under a random `key`: they tell equal from different while the key is kept."""
        return hmac.new(key._secret, self._secret, hashlib.sha256).hexdigest()[:12]  # noqa: SLF001 (same class)

    def same_as(self, other: "KeyMaterial") -> bool:
        """Whether both hold the same bytes, in constant time."""
        return hmac.compare_digest(self._secret, other._secret)  # noqa: SLF001 (same class)

    def __repr__(self) -> str:
        return "KeyMaterial(…)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        raise TypeError("KeyMaterial is compared with same_as(), in constant time")

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("KeyMaterial is neither pickled nor copied")

    def __copy__(self) -> NoReturn:
        raise TypeError("KeyMaterial is neither pickled nor copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("KeyMaterial is neither pickled nor copied")


def is_same(one: KeyMaterial | None, other: KeyMaterial | None) -> bool:
    """Whether both hold the same bytes, or both are absent."""
    return one is other is None or (one is not None and other is not None and one.same_as(other))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaterialRecord:
    """One key as the store keeps it: raw 32 bytes for AES and Fernet, PKCS #8 DER for a private signing key.

    An imported key keeps the kid that it had; `derived_kid` is the one that would have been derived from it, so that a
    stored key can still be checked. It is None for keys that were made here, whose kid is the derived one.
    """

    family: Family
    kid: Kid
    algorithm: Algorithm
    created_at: datetime
    key: KeyMaterial
    derived_kid: Kid | None = None

    @property
    def own_kid(self) -> Kid:
        """The kid that belongs to these bytes."""
        return self.derived_kid or self.kid


def parse_key(text: bytes) -> KeyMaterial | None:
    """Read 32 bytes as base64url, blanks around it allowed; None for anything else."""
    try:
        key = base64url.decode(text.decode("ascii").strip())
    except ValueError:
        return None
    return KeyMaterial(key) if len(key) == AES_KEY_BYTES else None


def aes_kid(key: KeyMaterial) -> Kid:
    """`aes_` and 32 hex digits: HMAC-SHA256, keyed with the key itself over a constant, cut to 128 bits."""
    return Kid("aes_" + _own_tag(key, _AES_KID_LABEL)[:_AES_KID_BYTES].hex())


def shared_secret_kid(key: KeyMaterial) -> Kid:
    """`jwt_` and 22 characters, made likewise of the secret under an HMAC algorithm."""
    return Kid("jwt_" + base64url.encode(_own_tag(key, _HMAC_KID_LABEL))[:_HMAC_KID_CHARACTERS])


def _own_tag(key: KeyMaterial, label: bytes) -> bytes:
    return hmac.new(key._secret, label, hashlib.sha256).digest()  # noqa: SLF001 (same module)


def encode(record: MaterialRecord) -> KeyMaterial:
    """Give the one-line form of a record."""
    imported = {} if record.derived_kid is None else {"derived": record.derived_kid}
    document = {
        "v": _IMPORTED if imported else _MADE_HERE,
        "family": record.family.value,
        "kid": record.kid,
        "alg": record.algorithm.value,
        "created": record.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "key": base64url.encode(record.key._secret),  # noqa: SLF001 (same module)
        **imported,
    }
    return KeyMaterial(base64url.encode(canonical.to_json(document).encode("ascii")).encode("ascii"))


def decode(line: KeyMaterial) -> MaterialRecord:
    """Read the one-line form.

    Raises:
        MaterialCorruptError: the line is not one that `encode` could have written.
    """
    try:
        record = _record(_document(line._secret))  # noqa: SLF001 (same module)
    except (ValueError, TypeError, JournalKeysError):
        record = None
    if record is None or not encode(record).same_as(line):
        raise MaterialCorruptError("stored key material is not a well-formed record of version 1 or 2")
    return record


def unused_version(record: MaterialRecord, *, digest: str, public_jwk: PublicJwk | None) -> KeyVersion:
    """Give the PRE_ACTIVATION version of a stored key that no ring has, as of its making."""
    return KeyVersion(
        kid=record.kid,
        family=record.family,
        algorithm=record.algorithm,
        digest=digest,
        public_jwk=public_jwk,
        state=KeyState.PRE_ACTIVATION,
        created_at=record.created_at,
        published_at=record.created_at,
        derived_kid=record.derived_kid,
    )


def _document(line: bytes) -> dict[str, Any]:
    if len(line) > _MAX_LINE:
        raise ValueError("too long")
    document = canonical.from_json(base64url.decode(line.decode("ascii")).decode("ascii"))
    if not isinstance(document, dict) or document.keys() != _FIELDS.get(document.get("v")):
        raise ValueError("other fields")
    return document


def _record(document: dict[str, Any]) -> MaterialRecord:
    family = parse_family(document["family"])
    key = KeyMaterial(base64url.decode(document["key"]))
    if family is Family.AES and len(key) != AES_KEY_BYTES:
        raise ValueError("not 256 bits")
    created_at = datetime.fromisoformat(document["created"])
    if created_at.utcoffset() != _UTC_OFFSET:
        raise ValueError("not in UTC")
    return MaterialRecord(
        family=family,
        kid=parse_kid(document["kid"]),
        algorithm=parse_algorithm(document["alg"], family),
        created_at=created_at,
        key=key,
        derived_kid=parse_kid(document["derived"]) if "derived" in document else None,
    )
