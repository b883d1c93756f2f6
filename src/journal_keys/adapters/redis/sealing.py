"""The form of a sealed secret: base64url of `JKC1`, length and bytes of the kid, a nonce, and AES-256-GCM.

Sealed are the moments when the value was asked for and when its time ends, in milliseconds of wall time, and the value.
Authenticated are environment, path, version of the form, and kid.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag

from journal_keys.adapters.redis.counts import Count
from journal_keys.adapters.redis.keys import DerivedKeys, Sealer
from journal_keys.adapters.redis.namespace import Namespace, joined
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath

MOST_VALUE_BYTES: Final = 64 * 1024
MOST_TEXT: Final = 90 * 1024
"""More than any value of 64 KiB needs; of what is longer only so much is read."""

NONCE_BYTES: Final = 12
_MAGIC: Final = b"JKC1"
_KID_AT: Final = len(_MAGIC) + 1
_TIME_BYTES: Final = 8
_TAG_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time of a value, in milliseconds since 1970-01-01 UTC."""

    made_ms: int
    ends_ms: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """What was sealed."""

    value: KeyMaterial
    span: Span


def seal(place: Namespace, path: SecretPath, sealer: Sealer, nonce: bytes, opened: Opened) -> str:
    """Give the text to keep. The nonce has 12 random bytes."""
    span = opened.span
    times = span.made_ms.to_bytes(_TIME_BYTES, "big") + span.ends_ms.to_bytes(_TIME_BYTES, "big")
    bound = _bound(place, path, sealer.kid)
    sealed = sealer.gcm.encrypt(nonce, times + expose(opened.value), bound)
    kid = sealer.kid.encode("ascii")
    return urlsafe_b64encode(_MAGIC + bytes([len(kid)]) + kid + nonce + sealed).decode("ascii")


def unseal(place: Namespace, path: SecretPath, keys: DerivedKeys, text: bytes | str) -> Opened | Count:
    """Give what was sealed for this place and path, or why there is nothing to be had from the text."""
    if len(text) > MOST_TEXT:
        return Count.OVERSIZED
    try:
        data = urlsafe_b64decode(text)
        kid_ends = _KID_AT + data[_KID_AT - 1]
        kid = Kid(data[_KID_AT:kid_ends].decode("ascii"))
    except (ValueError, IndexError):
        return Count.MALFORMED
    if not data.startswith(_MAGIC) or len(data) < kid_ends + NONCE_BYTES + 2 * _TIME_BYTES + _TAG_BYTES:
        return Count.MALFORMED
    sealer = keys.sealer(kid)
    if sealer is None:
        return Count.UNKNOWN_KEY
    nonce_ends = kid_ends + NONCE_BYTES
    try:
        content = sealer.gcm.decrypt(data[kid_ends:nonce_ends], data[nonce_ends:], _bound(place, path, kid))
    except InvalidTag:
        return Count.FORGED
    return _read(content)


def _read(content: bytes) -> Opened:
    made_ms, ends_ms = content[:_TIME_BYTES], content[_TIME_BYTES : 2 * _TIME_BYTES]
    span = Span(made_ms=int.from_bytes(made_ms, "big"), ends_ms=int.from_bytes(ends_ms, "big"))
    return Opened(value=KeyMaterial(content[2 * _TIME_BYTES :]), span=span)


def _bound(place: Namespace, path: SecretPath, kid: Kid) -> bytes:
    return joined(place.identity, str(path).encode(), _MAGIC, kid.encode("ascii"))
