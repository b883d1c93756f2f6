"""Ciphertext as text: envelope v2 is written and read, v1 is read for ever.

v2: `jk2.<kid>.<base64url(nonce ‖ ciphertext ‖ tag)>`, AES-256-GCM, 12-byte nonce, 16-byte tag.
Fernet tokens, which no envelope of ours is, are known by their form: version byte 0x80, a time before the year 2106.
v1: compact JSON `{"v":1,"kid":…,"iv":…,"ct":…[,"aad":…]}`, base64url without padding, no AAD unless `aad` is there.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from journal_keys.domain import base64url, canonical
from journal_keys.domain.errors import InvalidNameError, RefusedError
from journal_keys.domain.keys import Kid, parse_kid

PREFIX: Final = "jk2."
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
SHORTEST_V2: Final = NONCE_BYTES + TAG_BYTES
_PREFIX_LENGTH: Final = len(PREFIX)
_LONGEST_KID: Final = 64
V2_FORM: Final = "envelope v2 is jk2.<kid>.<base64url of at least 28 bytes>"
_V1_FORM: Final = "envelope v1 is a JSON object with v = 1, kid, iv (12 bytes), ct and optionally aad"
_V1_FIELDS: Final = frozenset({"v", "kid", "iv", "ct"})
_PURPOSE: Final = b"journal_keys/token encryption"

_FERNET: Final = re.compile(r"gAAAAA[A-Za-z0-9_-]{92,}={0,2}", re.ASCII)
"""73 bytes at least: version, time, IV, one block, HMAC-SHA256."""


class EnvelopeError(RefusedError):
    """A ciphertext is malformed, names a key that does not open it, or fails authentication."""


class Envelope(NamedTuple):
    """The parts of one ciphertext. `sealed` is ciphertext ‖ tag; `legacy_aad` is what a v1 ciphertext carries."""

    kid: Kid
    nonce: bytes
    sealed: bytes
    legacy_aad: bytes | None = None
    version: int = 2


def is_fernet(text: str) -> bool:
    """Whether a ciphertext has the form of a Fernet token."""
    return _FERNET.fullmatch(text) is not None


def bound_data(kid: str, context: bytes) -> bytes:
    """The AAD of v2: version ‖ kid ‖ purpose ‖ the caller's context, each but the last with its length before it."""
    name = kid.encode("ascii")
    return b"\x02%c%b%c%b%b" % (len(name), name, len(_PURPOSE), _PURPOSE, context)


def parse(text: str, *, decode: Callable[[str], bytes] = base64url.decode) -> Envelope:
    """Take a v2 or v1 ciphertext apart; `decode` reads canonical base64url and raises ValueError.

    Raises:
        EnvelopeError: neither form.
    """
    if text.startswith(PREFIX):
        return _parse_v2(text, decode)
    if text.startswith("{"):
        return _parse_v1(text, decode)
    raise EnvelopeError("a ciphertext starts with 'jk2.' (envelope v2), is a JSON object (v1), or a Fernet token")


def _parse_v2(text: str, decode: Callable[[str], bytes]) -> Envelope:
    """Split by the dots; whether there is such a kid is for the ring to say."""
    kid, _, body = text[_PREFIX_LENGTH:].partition(".")
    try:
        raw = decode(body)
    except ValueError:
        raise EnvelopeError(V2_FORM) from None
    if len(raw) < SHORTEST_V2 or not (0 < len(kid) <= _LONGEST_KID and kid.isascii()):
        raise EnvelopeError(V2_FORM)
    return Envelope(Kid(kid), raw[:NONCE_BYTES], raw[NONCE_BYTES:])


def _parse_v1(text: str, decode: Callable[[str], bytes]) -> Envelope:
    try:
        members = canonical.from_json(text)
        well_formed = members.keys() - {"aad"} == _V1_FIELDS and (members["v"], type(members["v"])) == (1, int)
        nonce, sealed = decode(members["iv"]), decode(members["ct"])
        aad = decode(members["aad"]) if "aad" in members else None
        kid = parse_kid(members["kid"])
    except (ValueError, TypeError, AttributeError, KeyError, InvalidNameError):
        raise EnvelopeError(_V1_FORM) from None
    if not well_formed or len(nonce) != NONCE_BYTES or len(sealed) < TAG_BYTES:
        raise EnvelopeError(_V1_FORM)
    return Envelope(kid, nonce, sealed, aad, 1)
