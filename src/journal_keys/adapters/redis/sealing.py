"""What Redis holds or passes on: base64url of a form's four letters, length and bytes of the kid, a nonce, AES-256-GCM.

Authenticated are environment, name, form, and kid. Of a secret the name is its path, and sealed with it are the moments
when it was asked for and when its time ends, in milliseconds of wall time.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final, NamedTuple

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
_SECRET: Final = b"JKC1"
_KID_AT: Final = len(_SECRET) + 1
_TIME_BYTES: Final = 8
_TAG_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a text must be sealed as to be opened: these four letters, of this environment, under this name."""

    letters: bytes
    place: Namespace
    name: bytes
    most_text: int
    least_content: int
    _bound_but_kid: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_bound_but_kid", joined(self.place.identity, self.name, self.letters))

    def seal(self, sealer: Sealer, nonce: bytes, content: bytes) -> str:
        """Give the text. The nonce has 12 random bytes."""
        kid = sealer.kid.encode("ascii")
        sealed = sealer.gcm.encrypt(nonce, content, self._bound(sealer.kid))
        return urlsafe_b64encode(self.letters + bytes([len(kid)]) + kid + nonce + sealed).decode("ascii")

    def unseal(self, keys: DerivedKeys, text: bytes | str) -> tuple[bytes, bytes] | Count:
        """Give the nonce and what was sealed, or why there is nothing to be had from the text."""
        if len(text) > self.most_text:
            return Count.OVERSIZED
        try:
            data = urlsafe_b64decode(text)
            kid_ends = _KID_AT + data[_KID_AT - 1]
            kid = Kid(data[_KID_AT:kid_ends].decode("ascii"))
        except (ValueError, IndexError):
            return Count.MALFORMED
        nonce_ends = kid_ends + NONCE_BYTES
        if not data.startswith(self.letters) or len(data) < nonce_ends + self.least_content + _TAG_BYTES:
            return Count.MALFORMED
        sealer = keys.sealer(kid)
        if sealer is None:
            return Count.UNKNOWN_KEY
        nonce = data[kid_ends:nonce_ends]
        try:
            return nonce, sealer.gcm.decrypt(nonce, data[nonce_ends:], self._bound(kid))
        except InvalidTag:
            return Count.FORGED

    def _bound(self, kid: Kid) -> bytes:
        return self._bound_but_kid + joined(kid.encode("ascii"))


class Span(NamedTuple):
    """The time of a value, in milliseconds since 1970-01-01 UTC."""

    made_ms: int
    ends_ms: int


class Opened(NamedTuple):
    """What was sealed."""

    value: KeyMaterial
    span: Span


def seal(form: Form, sealer: Sealer, nonce: bytes, opened: Opened) -> str:
    """Give the text to keep. The nonce has 12 random bytes."""
    span = opened.span
    times = span.made_ms.to_bytes(_TIME_BYTES, "big") + span.ends_ms.to_bytes(_TIME_BYTES, "big")
    return form.seal(sealer, nonce, times + expose(opened.value))


def unseal(form: Form, keys: DerivedKeys, text: bytes | str) -> Opened | Count:
    """Give what was sealed as this form, or why there is nothing to be had from the text."""
    found = form.unseal(keys, text)
    return found if isinstance(found, Count) else _read(found[1])


def form_of(place: Namespace, path: SecretPath) -> Form:
    """What a secret is sealed as in this place."""
    return Form(
        letters=_SECRET,
        place=place,
        name=str(path).encode(),
        most_text=MOST_TEXT,
        least_content=2 * _TIME_BYTES,
    )


def _read(content: bytes) -> Opened:
    made_ms, ends_ms = content[:_TIME_BYTES], content[_TIME_BYTES : 2 * _TIME_BYTES]
    span = Span(made_ms=int.from_bytes(made_ms, "big"), ends_ms=int.from_bytes(ends_ms, "big"))
    return Opened(value=KeyMaterial(content[2 * _TIME_BYTES :]), span=span)
