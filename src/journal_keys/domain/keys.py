"""One key and its life: families, algorithms, states (NIST SP 800-57 part 1 §7), key versions."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, TypeVar

from journal_keys.domain.errors import InvalidNameError, TransitionError
from journal_keys.domain.jwk import PublicJwk

Kid = NewType("Kid", str)
_KID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z", re.ASCII)


class Family(StrEnum):
    """What a ring's keys are for."""

    JWT = "jwt"
    AES = "aes"


class Algorithm(StrEnum):
    """JWS and JWE algorithm names (RFC 7518, RFC 8037), and Fernet for want of one."""

    EDDSA = "EdDSA"
    ES256 = "ES256"
    RS256 = "RS256"
    A256GCM = "A256GCM"
    HS256 = "HS256"
    FERNET = "Fernet"


ALGORITHMS: Final = {
    Family.JWT: frozenset({Algorithm.EDDSA, Algorithm.ES256, Algorithm.RS256}),
    Family.AES: frozenset({Algorithm.A256GCM}),
}
"""With which keys are made."""

READ_ONLY: Final = {
    Family.JWT: frozenset({Algorithm.HS256}),
    Family.AES: frozenset({Algorithm.FERNET}),
}
"""Of imported keys that only verify or decrypt what was made before: they never become ACTIVE or staged."""

SYMMETRIC: Final = frozenset({Algorithm.A256GCM, Algorithm.HS256, Algorithm.FERNET})
"""Of keys without a public half."""


class KeyState(StrEnum):
    """NIST SP 800-57 part 1 rev. 5 §7; there is no SUSPENDED here."""

    PRE_ACTIVATION = "PRE_ACTIVATION"
    ACTIVE = "ACTIVE"
    DEACTIVATED = "DEACTIVATED"
    COMPROMISED = "COMPROMISED"
    DESTROYED = "DESTROYED"


TRANSITIONS: Final = {
    KeyState.PRE_ACTIVATION: frozenset({KeyState.ACTIVE, KeyState.COMPROMISED, KeyState.DESTROYED}),
    KeyState.ACTIVE: frozenset({KeyState.DEACTIVATED, KeyState.COMPROMISED}),
    KeyState.DEACTIVATED: frozenset({KeyState.COMPROMISED, KeyState.DESTROYED}),
    KeyState.COMPROMISED: frozenset({KeyState.DESTROYED}),
    KeyState.DESTROYED: frozenset[KeyState](),
}
"""The whole state table: from → to. A PRE_ACTIVATION key is destroyed when its material never became readable."""

ACCEPTED: Final = frozenset({KeyState.PRE_ACTIVATION, KeyState.ACTIVE, KeyState.DEACTIVATED})
"""States in which a key verifies and decrypts."""

_MOMENT: Final = {
    KeyState.ACTIVE: "activated_at",
    KeyState.DEACTIVATED: "deactivated_at",
    KeyState.COMPROMISED: "compromised_at",
    KeyState.DESTROYED: "destroyed_at",
}

E = TypeVar("E", bound=StrEnum)


def _named(kind: type[E], text: str, what: str) -> E:
    try:
        return kind(text)
    except ValueError:
        expected = ", ".join(kind)
        raise InvalidNameError(f"unknown {what}: expected one of {expected}") from None


def parse_family(text: str) -> Family:
    """Read `jwt` or `aes`.

    Raises:
        InvalidNameError: anything else.
    """
    return _named(Family, text, "family")


def parse_algorithm(text: str, family: Family) -> Algorithm:
    """Read an algorithm that keys of this family may have, imported ones included.

    Raises:
        InvalidNameError: unknown, or of the other family.
    """
    algorithm = _named(Algorithm, text, "algorithm")
    allowed = ALGORITHMS[family] | READ_ONLY[family]
    if algorithm not in allowed:
        expected = ", ".join(sorted(allowed))
        raise InvalidNameError(f"{algorithm} is no algorithm of {family}: expected one of {expected}")
    return algorithm


def parse_kid(text: str) -> Kid:
    """Read a kid: 1 to 64 characters `[A-Za-z_][A-Za-z0-9_-]*`. No meaning is parsed out of it.

    Raises:
        InvalidNameError: not of that form.
    """
    if not isinstance(text, str) or not _KID.match(text):
        raise InvalidNameError("a kid is [A-Za-z_][A-Za-z0-9_-]{0,63}")
    return Kid(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVersion:
    """One key of a ring as the ledger knows it: everything but its secret.

    `digest` is the SHA-256, in hex, of the stored material line; `public_jwk` is None exactly for symmetric keys.
    `derived_kid` is the kid that an imported key would have been given here, None for keys that were made here.
    All times are aware and on the ledger's clock.
    """

    kid: Kid
    family: Family
    algorithm: Algorithm
    digest: str
    public_jwk: PublicJwk | None
    state: KeyState
    created_at: datetime
    published_at: datetime
    activated_at: datetime | None = None
    deactivated_at: datetime | None = None
    compromised_at: datetime | None = None
    destroyed_at: datetime | None = None
    derived_kid: Kid | None = None

    def moved_to(self, state: KeyState, at: datetime) -> "KeyVersion":
        """This version in its next state, entered at `at`.

        Raises:
            TransitionError: the table has no such transition.
        """
        if state not in TRANSITIONS[self.state]:
            allowed = ", ".join(sorted(TRANSITIONS[self.state])) or "none"
            raise TransitionError(f"{self.kid} is {self.state} and cannot become {state}: allowed from here: {allowed}")
        moved = replace(self, state=state)
        object.__setattr__(moved, _MOMENT[state], at)
        return moved

    @property
    def since(self) -> datetime:
        """When it entered its present state."""
        moments = {
            KeyState.PRE_ACTIVATION: self.published_at,
            KeyState.ACTIVE: self.activated_at,
            KeyState.DEACTIVATED: self.deactivated_at,
            KeyState.COMPROMISED: self.compromised_at,
            KeyState.DESTROYED: self.destroyed_at,
        }
        return moments[self.state] or self.published_at

    @property
    def is_read_only(self) -> bool:
        """Whether it can only verify or decrypt, whatever its state."""
        return self.algorithm in READ_ONLY[self.family]

    @property
    def is_accepted(self) -> bool:
        """Whether it still verifies or decrypts."""
        return self.state in ACCEPTED
