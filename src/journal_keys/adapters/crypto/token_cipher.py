"""Ciphertexts as text: sealed and opened on the view in memory, without I/O."""

from collections import Counter
from datetime import timedelta
from typing import Final

from journal_keys.adapters.crypto.fast_base64 import encode, strict_decode
from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.envelope import (
    NONCE_BYTES,
    PREFIX,
    SHORTEST_V2,
    V2_FORM,
    Envelope,
    EnvelopeError,
    is_fernet,
    parse,
)
from journal_keys.domain.errors import KeyUnavailableError, ViewStaleError
from journal_keys.domain.exposure import as_bytes
from journal_keys.domain.keys import KeyState, Kid
from journal_keys.domain.windows import Windows
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.view_board import CipherView, ViewBoard

OLD_V1: Final = "envelope_v1"
OLD_FERNET: Final = "fernet"
"""What ciphertexts of older formats are counted as."""

_V2: Final = PREFIX.removesuffix(".")


class UnknownCiphertextKidError(EnvelopeError):
    """The ciphertext names a key that the ring does not have."""


class WithdrawnKeyError(EnvelopeError):
    """The ciphertext names a key that is COMPROMISED or DESTROYED."""


class TokenCipher:
    """Encrypts under the ACTIVE AES key of the view, decrypts under any accepted one, found by its kid."""

    def __init__(  # noqa: PLR0913, PLR0917 (all that it needs to do no I/O)
        self,
        board: ViewBoard,
        clock: Clock,
        entropy: Entropy,
        budget: EncryptionBudget,
        windows: Windows,
        verify_max_stale: timedelta,
        old: Counter[str] | None = None,
    ) -> None:
        self._board = board
        self._uptime_s = clock.uptime_s
        self._entropy = entropy
        self._budget = budget
        self._encrypt_max_stale_s = windows.oldest_signer_view.total_seconds()
        self._oldest_view_s = windows.oldest_verifier_view.total_seconds()
        self._max_stale_s = verify_max_stale.total_seconds()
        self._old: Counter[str] = Counter() if old is None else old

    def encrypt(self, plaintext: str | bytes, *, context: bytes = b"") -> str:
        """Give envelope v2 of text (as UTF-8) or bytes; only the same `context` opens it.

        Raises:
            UnencodableTextError: the text holds a lone surrogate.
            ViewStaleError: the view is older than an encryptor's may be, or there is none.
            KeyUnavailableError: the ACTIVE key's material could not be had.
            EncryptionLimitError: the ACTIVE key has made 2³² encryptions.
        """
        view = self._view(self._encrypt_max_stale_s, "encrypted")
        key = view.sealing
        if key is None:
            raise KeyUnavailableError(f"the material of the ACTIVE key {view.ring.active.kid} could not be read")
        data = as_bytes(plaintext) if isinstance(plaintext, str) else plaintext
        self._budget.spend(key.kid)
        nonce = self._entropy.token(NONCE_BYTES)
        sealed = nonce + key.seal(nonce, data, key.bound_prefix + context)
        return f"{PREFIX}{key.kid}.{encode(sealed).decode('ascii')}"

    def decrypt(self, ciphertext: str, *, context: bytes = b"") -> str:
        """Give the text of an envelope v2 or v1, or of a Fernet token of an imported key, which knows no context.

        Raises:
            EnvelopeError: malformed, forged, of another context, of a key that is unknown or withdrawn, or not UTF-8.
            ViewStaleError: the view is older than it may be, or there is none; or the key is unknown and the view is
                older than publication allows for, so that nobody here can tell.
            KeyUnavailableError: the key is known and its material could not be had.
        """
        opened = self.decrypt_bytes(ciphertext, context=context)
        try:
            return opened.decode("utf-8")
        except UnicodeDecodeError:
            pass  # raised from here, the refusal would carry the plaintext along
        raise EnvelopeError("the ciphertext holds bytes that are no text: use decrypt_bytes")

    def decrypt_bytes(self, ciphertext: str, *, context: bytes = b"") -> bytes:
        """Give the bytes instead of the text; raises as `decrypt`."""
        view = self._board.cipher
        if view is None or self._uptime_s() - view.confirmed_s > self._max_stale_s:
            raise _stale(self._max_stale_s, "decrypted")
        try:
            version, kid, sealed = ciphertext.split(".", 2)
        except (AttributeError, TypeError, ValueError):  # neither text nor of three parts
            version = kid = sealed = ""
        key = view.opening.get(kid) if version == _V2 else None  # type: ignore[call-overload]
        if key is None:
            opened = self._open_parsed(view, ciphertext, context)
        else:
            try:
                raw = strict_decode(sealed)
            except ValueError:
                raise EnvelopeError(V2_FORM) from None
            if len(raw) < SHORTEST_V2:
                raise EnvelopeError(V2_FORM)
            opened = key.open(raw[:NONCE_BYTES], raw[NONCE_BYTES:], key.bound_prefix + context)
        if opened is None:
            raise EnvelopeError("the ciphertext was changed, or sealed for another context")
        return opened

    def needs_rewrap(self, ciphertext: str) -> bool:
        """Whether it is of an older format, or of a key that is no longer ACTIVE.

        Raises:
            EnvelopeError: malformed.
            ViewStaleError: the view is older than it may be, or there is none.
        """
        view = self._view(self._max_stale_s, "judged")
        if isinstance(ciphertext, str) and is_fernet(ciphertext):
            return True
        envelope = _parsed(ciphertext)
        return envelope.version == 1 or envelope.kid != view.ring.active.kid

    def rewrap(self, ciphertext: str, *, context: bytes = b"") -> str:
        """Give the same plaintext under the ACTIVE key; raises as `decrypt` and `encrypt`."""
        return self.encrypt(self.decrypt_bytes(ciphertext, context=context), context=context)

    def _view(self, bound_s: float, doing: str) -> CipherView:
        view = self._board.cipher
        if view is None or self._uptime_s() - view.confirmed_s > bound_s:
            raise _stale(bound_s, doing)
        return view

    def _open_parsed(self, view: CipherView, ciphertext: object, context: bytes) -> bytes | None:
        """Take any ciphertext the long way: what is no v2 of a known key is older, or is refused with its reason."""
        if isinstance(ciphertext, str) and is_fernet(ciphertext):
            return self._counted(OLD_FERNET, self._open_foreign(view, ciphertext))
        envelope = _parsed(ciphertext)
        key = view.opening.get(envelope.kid)
        if key is None:
            raise self._no_key(view, envelope.kid)
        if envelope.version == 1:
            return self._counted(OLD_V1, key.open(envelope.nonce, envelope.sealed, envelope.legacy_aad))
        return key.open(envelope.nonce, envelope.sealed, key.bound_prefix + context)

    def _open_foreign(self, view: CipherView, ciphertext: str) -> bytes:
        opened = view.foreign.open(ciphertext) if view.foreign is not None else None
        if opened is not None:
            return opened
        lost = [v.kid for v in view.ring.accepted if v.is_read_only and v.kid in view.missing]
        if lost:
            raise KeyUnavailableError(f"the material of {', '.join(lost)} could not be read from the store")
        if self._uptime_s() - view.confirmed_s > self._oldest_view_s:
            raise ViewStaleError("the Fernet token may be of a key that the ring gained since its confirmation")
        raise UnknownCiphertextKidError("no imported key opens this Fernet token: it was changed, or is of another key")

    def _counted(self, form: str, opened: bytes | None) -> bytes | None:
        if opened is not None:
            self._old[form] += 1
        return opened

    def _no_key(self, view: CipherView, kid: Kid) -> EnvelopeError | KeyUnavailableError:
        version = view.ring.find(kid)
        if version is None and self._uptime_s() - view.confirmed_s > self._oldest_view_s:
            return ViewStaleError("the ciphertext names a key that the ring may have gained since its confirmation")
        if version is None:
            return UnknownCiphertextKidError("the ciphertext names a key that the ring does not have")
        if version.state in {KeyState.COMPROMISED, KeyState.DESTROYED}:
            return WithdrawnKeyError(f"the ciphertext's key {version.kid} is {version.state}")
        return KeyUnavailableError(f"the material of {version.kid} could not be read from the store")


def _stale(bound_s: float, doing: str) -> ViewStaleError:
    return ViewStaleError(f"the aes ring was not confirmed within {bound_s:g} s: nothing is {doing}")


def _parsed(ciphertext: object) -> Envelope:
    if not isinstance(ciphertext, str):
        raise EnvelopeError("a ciphertext is text")
    return parse(ciphertext, decode=strict_decode)
