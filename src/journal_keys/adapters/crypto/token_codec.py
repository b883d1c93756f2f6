"""JWTs in compact form (RFC 7515 §7.1): signed and verified on the view in memory, without I/O."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from journal_keys.adapters.crypto.fast_base64 import encode, strict_decode
from journal_keys.domain import canonical
from journal_keys.domain.errors import DomainError, KeyUnavailableError, ViewStaleError
from journal_keys.domain.keys import Kid
from journal_keys.domain.token import (
    MAX_TOKEN_BYTES,
    TokenProfile,
    TokenRefusedError,
    UnknownKidError,
    as_old_header,
    check_claims,
    check_header,
)
from journal_keys.domain.windows import Windows
from journal_keys.ports.clock import Clock
from journal_keys.ports.key_crypto import SigningKey, VerifyingKey
from journal_keys.ports.view_board import SigningView, ViewBoard

RESERVED: Final = frozenset({"iss", "aud", "iat", "exp"})
"""Claims that the signer sets itself."""

OLD_TOKEN: Final = "token"  # noqa: S105 (a label)
"""What tokens of imported keys, with the header that they had before, are counted as."""

_MOST_HEADERS: Final = 256
_MOST_LEVELS: Final = 32
_LEAVES: Final = (str, int, float)
_STEPS_PER_S: Final = 1024
_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class ClaimsError(DomainError):
    """Claims that cannot be signed: reserved, not JSON, too long-lived or too large."""


class JwtSigner:
    """Signs with the ACTIVE key of the view."""

    def __init__(self, board: ViewBoard, clock: Clock, profile: TokenProfile, windows: Windows) -> None:
        self._board = board
        self._clock = clock
        self._profile = profile
        self._sign_max_stale_s = windows.oldest_signer_view.total_seconds()
        self._longest_s = profile.longest_token.total_seconds()
        self._header: tuple[SigningKey | None, bytes] = (None, b"")

    def current_key(self) -> SigningKey:
        """Give the ACTIVE signing key.

        Raises:
            ViewStaleError: the view is older than a signer's may be, or there is none.
            KeyUnavailableError: the ACTIVE key's material could not be had.
        """
        view = self._board.signing
        if view is None or self._clock.uptime_s() - view.confirmed_s > self._sign_max_stale_s:
            raise ViewStaleError(f"the jwt ring was not confirmed for {self._sign_max_stale_s:g} s: nothing is signed")
        if view.signing is None:
            raise KeyUnavailableError(f"the material of the ACTIVE key {view.ring.active.kid} could not be read")
        return view.signing

    def sign(self, claims: Mapping[str, Any], *, lifetime: timedelta | None = None) -> str:
        """Give a token with these claims and `iss`, `aud`, `iat`, `exp`; `lifetime` is the longest one by default.

        A verifier of the same profile accepts it at that moment. A life of whole seconds counts from the whole second
        of now, any other from now, in steps of 1/1024 s.

        Raises:
            ClaimsError: a reserved claim, one that a verifier would refuse (`sub` no text, `nbf` in the future), no
                JSON object with text for names, a lifetime out of bounds, or more than 8 KiB.
            ViewStaleError, KeyUnavailableError: as for `current_key`.
        """
        key = self.current_key()
        if not isinstance(claims, Mapping):
            raise ClaimsError("claims are one mapping of names to values")
        if not RESERVED.isdisjoint(claims):
            raise ClaimsError(f"the signer itself sets {', '.join(sorted(RESERVED & claims.keys()))}")
        now_s = self._clock.unix_s()
        issued_s, life_s = self._times(now_s, lifetime)
        body = {
            **claims,
            "iss": self._profile.issuer,
            "aud": self._profile.audience,
            "iat": issued_s,
            "exp": issued_s + life_s,
        }
        message = self._header_of(key) + _segment(self._checked(body, now_s))
        token = message + b"." + encode(key.sign(message))
        if len(token) > MAX_TOKEN_BYTES:
            raise ClaimsError(f"the token would be longer than {MAX_TOKEN_BYTES} bytes")
        return token.decode("ascii")

    def _times(self, now_s: float, lifetime: timedelta | None) -> tuple[float, float]:
        """Give `iat` and the life, both exact in binary, so that their sum less `iat` is not above the longest life."""
        wanted_s = self._longest_s if lifetime is None else lifetime.total_seconds()
        steps = 1 if wanted_s.is_integer() else _STEPS_PER_S
        life = int(wanted_s * steps)
        if wanted_s > self._longest_s or life < 1:
            raise ClaimsError(f"a token lives at least 1/{_STEPS_PER_S} s and at most {self._longest_s:g} s")
        issued = int(now_s * steps)
        return (issued, life) if steps == 1 else (issued / steps, life / steps)

    def _checked(self, body: dict[str, Any], now_s: float) -> str:
        """Give the claims as JSON that the verifier reads and accepts."""
        text = _json_text(body)
        try:
            check_claims(body, self._profile, now_s=now_s)
        except TokenRefusedError as refusal:
            raise ClaimsError(f"a verifier would refuse these claims: {refusal}") from None
        return text

    def _header_of(self, key: SigningKey) -> bytes:
        known, segment = self._header
        if known is not key:
            header = {"alg": key.algorithm.value, "kid": key.kid, "typ": self._profile.token_type}
            segment = _segment(_ENCODE(header)) + b"."
            self._header = key, segment
        return segment


def _json_text(document: Mapping[str, Any]) -> str:
    try:
        if _is_readable(document, _MOST_LEVELS):
            return _ENCODE(document)
    except (TypeError, ValueError, RecursionError):
        pass  # raised from here, the refusal would carry the claims along
    raise ClaimsError(f"claims are JSON of at most {_MOST_LEVELS} levels, with text for names")


def _is_readable(value: object, levels: int) -> bool:
    """Whether names are text (Python's encoder writes others as text without a word) and the reader gets to the end."""
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                return False
        members: Iterable[object] = value.values()
    elif isinstance(value, (list, tuple)):
        members = value
    else:
        return True
    if levels == 0:
        return False
    deeper = [member for member in members if not isinstance(member, _LEAVES)]
    return not deeper or all(_is_readable(member, levels - 1) for member in deeper)  # most claims have no deeper ones


def _segment(text: str) -> bytes:
    return encode(text.encode("ascii"))


class JwtVerifier:
    """Verifies with the keys of the view."""

    def __init__(
        self,
        board: ViewBoard,
        clock: Clock,
        profile: TokenProfile,
        windows: Windows,
        verify_max_stale: timedelta,
        old: Counter[str] | None = None,
    ) -> None:
        self._board = board
        self._clock = clock
        self._profile = profile
        self._oldest_view_s = windows.oldest_verifier_view.total_seconds()
        self._max_stale_s = verify_max_stale.total_seconds()
        self._headers: dict[str, tuple[str, str]] = {}
        self._old: Counter[str] = Counter() if old is None else old

    def verify(self, token: object) -> Mapping[str, Any]:
        """Give the claims of a good token. Any other input of any type is refused with one error.

        Raises:
            TokenRefusedError: the token is malformed, forged, out of its time, meant for others; its subclass
                UnknownKidError where the view does not hold its key.
            ViewStaleError: the view is older than it may be, or there is none; or the token's key is unknown and the
                view is older than publication allows for, so that nobody here can tell.
        """
        view = self._fresh_view()
        if not isinstance(token, str) or len(token) > MAX_TOKEN_BYTES:
            raise TokenRefusedError(f"a token is text of at most {MAX_TOKEN_BYTES} characters")
        message, dot, signature = token.rpartition(".")
        header, second_dot, payload = message.partition(".")
        if not dot or not second_dot:
            raise TokenRefusedError("a token has three parts")
        key = self._key(view, header)
        if not key.verify(_ascii(message), _decode(signature)):
            raise TokenRefusedError("the signature of the token does not verify")
        claims = check_claims(_json(payload), self._profile, now_s=self._clock.unix_s())
        if view.imported and header not in self._headers:
            self._old[OLD_TOKEN] += 1
        return claims

    def _fresh_view(self) -> SigningView:
        view = self._board.signing
        if view is None or self._clock.uptime_s() - view.confirmed_s > self._max_stale_s:
            raise ViewStaleError(f"the jwt ring was not confirmed for {self._max_stale_s:g} s: nothing is verified")
        return view

    def _key(self, view: SigningView, header: str) -> VerifyingKey:
        known = self._headers.get(header)
        if known is None and view.imported and (old := as_old_header(_json(header))) is not None:
            kid = old.get("kid")
            if kid is None or kid in view.imported:
                return self._old_key(view, old)
        algorithm, kid = known or check_header(_json(header), self._profile)
        key = view.verifying.get(Kid(kid))
        if key is None:
            raise self._unknown(view)
        _check_algorithm(key, algorithm)
        if known is None:
            self._remember(header, algorithm, kid)
        return key

    def _old_key(self, view: SigningView, header: Mapping[str, object]) -> VerifyingKey:
        """Find the imported key of a token from before: by its kid, or by its algorithm where it names none."""
        kid, algorithm = header.get("kid"), header["alg"]
        key = view.unnamed.get(str(algorithm)) if kid is None else view.verifying.get(Kid(str(kid)))
        if key is None:
            raise self._unknown(view)
        _check_algorithm(key, algorithm)
        return key

    def _unknown(self, view: SigningView) -> UnknownKidError | ViewStaleError:
        if self._clock.uptime_s() - view.confirmed_s > self._oldest_view_s:
            return ViewStaleError("the token names a key that the ring may have gained since its last confirmation")
        return UnknownKidError("the token names a key that is not in the ring")

    def _remember(self, header: str, algorithm: str, kid: str) -> None:
        """Keep what a well-formed header of a key in the ring says; strangers' headers are not kept."""
        if len(self._headers) >= _MOST_HEADERS:
            self._headers.clear()
        self._headers[header] = algorithm, kid


def _check_algorithm(key: VerifyingKey, algorithm: object) -> None:
    if key.algorithm != algorithm:
        raise TokenRefusedError("alg of the token is not the algorithm of its key")


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise TokenRefusedError("a token is ASCII text") from None


def _decode(part: str) -> bytes:
    try:
        return strict_decode(part)
    except ValueError:
        raise TokenRefusedError("each part of a token is base64url without padding") from None


def _json(part: str) -> object:
    try:
        parsed: object = canonical.from_json(_decode(part).decode("utf-8"))
    except ValueError:
        raise TokenRefusedError("header and claims of a token are JSON without repeated members") from None
    return parsed
