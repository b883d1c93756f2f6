"""Public keys as JSON: JWK (RFC 7517), OKP keys (RFC 8037), thumbprints (RFC 7638). No private member can be held."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from journal_keys.domain import base64url, canonical
from journal_keys.domain.errors import InvalidNameError

_MEMBERS: Final = {
    "OKP": ("crv", "kty", "x"),
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
}
_CURVES: Final = {"OKP": "Ed25519", "EC": "P-256"}
_NUMBERS: Final = frozenset({"x", "y", "n", "e"})
_COORDINATES: Final = frozenset({"x", "y"})
_COORDINATE_BYTES: Final = 32
_KID_CHARACTERS: Final = 22


@dataclass(frozen=True, slots=True)
class PublicJwk:
    """The required public members of one key (RFC 7638 §3.2), sorted by name."""

    members: tuple[tuple[str, str], ...]

    @classmethod
    def from_members(cls, members: Mapping[str, object]) -> Self:
        """Take exactly the required public members of an OKP, EC or RSA key.

        Raises:
            InvalidNameError: another key type or curve, a missing, extra (also private) or malformed member.
        """
        kty = members.get("kty")
        names = _MEMBERS.get(kty) if isinstance(kty, str) else None
        if names is None or not isinstance(kty, str):
            raise InvalidNameError("a public JWK has the kty OKP, EC or RSA")
        if tuple(sorted(members)) != names:
            raise InvalidNameError(f"a public {kty} JWK has exactly the members {', '.join(names)}")
        if kty in _CURVES and members["crv"] != _CURVES[kty]:
            raise InvalidNameError(f"a public {kty} JWK has the crv {_CURVES[kty]}")
        pairs = []
        for name in names:
            value = members[name]
            if not isinstance(value, str) or (name in _NUMBERS and not _has_one_form(name, value)):
                raise InvalidNameError(f"member {name} of a public {kty} JWK is not in its one form (RFC 7518 §6)")
            pairs.append((name, value))
        return cls(tuple(pairs))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            InvalidNameError: not a JSON object with exactly those members.
        """
        try:
            members = canonical.from_json(text)
        except ValueError:
            raise InvalidNameError("a public JWK is one JSON object") from None
        if not isinstance(members, dict):
            raise InvalidNameError("a public JWK is one JSON object")
        return cls.from_members(members)

    def to_json(self) -> str:
        """The canonical text: also the bytes that the thumbprint hashes."""
        return canonical.to_json(dict(self.members))

    def thumbprint(self) -> str:
        """SHA-256 over the canonical text, base64url, 43 characters (RFC 7638 §3)."""
        return base64url.encode(hashlib.sha256(self.to_json().encode("ascii")).digest())

    def kid(self) -> str:
        """`jwt_` and the first 22 characters (132 bits) of the thumbprint."""
        return "jwt_" + self.thumbprint()[:_KID_CHARACTERS]

    def published(self, *, kid: str, algorithm: str) -> dict[str, str]:
        """The member of a JWK Set (RFC 7517 §4): the public members with `kid`, `alg` and `use`."""
        return {**dict(self.members), "kid": kid, "alg": algorithm, "use": "sig"}


def _has_one_form(name: str, text: str) -> bool:
    """Whether a coordinate has its full length, and n or e no leading zero: one key has one text, and so one kid."""
    try:
        data = base64url.decode(text)
    except ValueError:
        return False
    return len(data) == _COORDINATE_BYTES if name in _COORDINATES else data[:1] > b"\x00"
