"""Ciphertexts of both envelopes: only what was sealed is opened, and only in its context."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain import base64url, envelope
from journal_keys.domain.envelope import EnvelopeError
from journal_keys.domain.exposure import expose
from tests.proof.bad_inputs.documents import altered, strictly_read
from tests.proof.bad_inputs.encodings import slowly_decoded
from tests.proof.bad_inputs.names import kid_expected
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled, mangled_bytes, noise, wrong_type
from tests.support.canary.entropy import WatchedEntropy
from tests.support.views import Bench

Sealed: TypeAlias = tuple[Any, bytes]
"""A ciphertext (some are no text) and the caller's context."""

_BENCH: Final = Bench(aes_keys=3, clock=ManualClock(datetime(2026, 6, 1, tzinfo=UTC)), entropy=WatchedEntropy(1))
CONTEXTS: Final = (b"", b"user:1", b"user:2", b"\x00")
_KIDS: Final = tuple(_BENCH.aes_records)


def _plaintext(number: int) -> bytes:
    return (b"", b"a refresh token", "Gr\u00f6\u00dfe".encode(), bytes(range(40)))[number % 4]


def _old(number: int) -> str:
    """Envelope v1, as the application made it before this package."""
    kid, nonce, aad = _KIDS[number % 3], number.to_bytes(12, "big"), (None, b"", b"row 7")[number % 3]
    sealed = AESGCM(expose(_BENCH.aes_records[kid].key)).encrypt(nonce, _plaintext(number), aad)
    members = {"v": 1, "kid": kid, "iv": base64url.encode(nonce), "ct": base64url.encode(sealed)}
    return json.dumps(members if aad is None else members | {"aad": base64url.encode(aad)}, separators=(",", ":"))


_NEW: Final = {
    (_BENCH.cipher.encrypt(_plaintext(number), context=context), context): _plaintext(number)
    for number, context in enumerate(CONTEXTS * 4)
}
_OLD: Final = {_old(number): _plaintext(number) for number in range(12)}
_TEXTS: Final = (*(text for text, _ in _NEW), *_OLD)


def _reshaped(dice: Random) -> str:
    """A ciphertext put together again from parts that may be another's, or anything."""
    if dice.random() < 0.5:
        return altered(json.loads(dice.choice(tuple(_OLD))), dice)
    prefix, kid, body = dice.choice(tuple(_NEW))[0].split(".")
    data = slowly_decoded(body)
    assert isinstance(data, bytes)
    kid = dice.choice((kid, *_KIDS, kid.upper(), mangled(kid, dice), "k" * 64, "k" * 65, ""))
    body = dice.choice((body, base64url.encode(mangled_bytes(data, dice)), base64url.encode(data[:27]), body + "="))
    return dice.choice((".", ".", ".", ". ", "..")).join((dice.choice((prefix, prefix, "jk1", "JK2", "")), kid, body))


def _some_text(dice: Random) -> Any:  # noqa: ANN401 (some are no text)
    kind = dice.randrange(20)
    if kind == 0:
        return wrong_type(dice)
    if kind == 1:
        return dice.choice(("jk2.", "{", "")) + noise(dice)
    if kind < 4:
        return dice.choice(_TEXTS)
    return _reshaped(dice) if kind < 12 else mangled(dice.choice(_TEXTS), dice, _TEXTS)


def _some_sealed(dice: Random) -> Sealed:
    if dice.random() < 0.2:
        text, context = dice.choice(tuple(_NEW))
        return text, dice.choice((context, dice.choice(CONTEXTS)))
    return _some_text(dice), dice.choice(CONTEXTS)


def _opened_as(given: Sealed) -> object:
    """What was sealed: a v2 text is itself or nothing, a v1 text any JSON of the same members."""
    text, context = given
    if not isinstance(text, str):
        return REFUSED
    if text.startswith("{"):
        return _BY_MEMBERS.get(_meaning(strictly_read(text)), REFUSED)
    return _NEW.get((text, context), REFUSED)


def _meaning(members: object) -> str:
    """The members in order; to AES-GCM an empty AAD is none."""
    if not isinstance(members, dict):
        return "no object"
    return repr(sorted(pair for pair in members.items() if pair != ("aad", "")))


_BY_MEMBERS: Final = {_meaning(json.loads(text)): plaintext for text, plaintext in _OLD.items()}


OPENED: Final[Target[Sealed]] = Target(
    name="TokenCipher.decrypt_bytes",
    make=_some_sealed,
    read=lambda given: _BENCH.cipher.decrypt_bytes(given[0], context=given[1]),
    refusals=(EnvelopeError,),
    fault=differs_from(_opened_as),
    share=7_000,
)


def _parts(text: str) -> object:
    if text.startswith("jk2.") and "." in text[4:]:
        kid, body = text[4:].split(".", 1)
        data = slowly_decoded(body)
        if isinstance(data, bytes) and len(data) >= 28 and kid.isascii() and 0 < len(kid) <= 64:
            return kid, data[:12], data[12:], None, 2
    members = strictly_read(text) if text.startswith("{") else REFUSED
    return _old_parts(members) if isinstance(members, dict) else REFUSED


def _old_parts(members: dict[str, Any]) -> object:
    if members.keys() - {"aad"} != {"v", "kid", "iv", "ct"} or repr(members["v"]) != "1":
        return REFUSED
    texts = {name: members[name] for name in members.keys() & {"iv", "ct", "aad"}}
    data = {name: slowly_decoded(text) if isinstance(text, str) else REFUSED for name, text in texts.items()}
    if REFUSED in data.values() or kid_expected(members["kid"]) is REFUSED:
        return REFUSED
    nonce, sealed = data["iv"], data["ct"]
    assert isinstance(nonce, bytes)
    assert isinstance(sealed, bytes)
    if len(nonce) != 12 or len(sealed) < 16:
        return REFUSED
    return members["kid"], nonce, sealed, data.get("aad"), 1


PARSED: Final[Target[str]] = Target(
    name="envelope.parse",
    make=lambda dice: str(_some_text(dice)),
    read=lambda text: tuple(envelope.parse(text)),
    refusals=(EnvelopeError,),
    fault=differs_from(_parts),
    share=4_000,
)
