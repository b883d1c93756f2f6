"""Which JWTs are good: the checks of RFC 8725 on header and claims, without any cryptography."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from journal_keys.domain.errors import RefusedError

MAX_TOKEN_BYTES: Final = 8 * 1024
HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
_LARGEST_TIME: Final = 253_402_300_799
"""The last second of the year 9999: a NumericDate beyond it is nonsense."""


class TokenRefusedError(RefusedError):
    """The token is malformed, forged, expired, meant for others, or signed under a key that is not accepted."""


class UnknownKidError(TokenRefusedError):
    """The token names a key that this view does not hold; a refresh may find it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenProfile:
    """What every token of this application carries: one issuer, one audience, one `typ`, a bounded life."""

    issuer: str
    audience: str
    token_type: str
    longest_token: timedelta
    leeway: timedelta


def check_header(header: object, profile: TokenProfile) -> tuple[str, str]:
    """Give `alg` and `kid` of a header that has exactly the members `alg`, `kid` and `typ`.

    Raises:
        TokenRefusedError: anything else.
    """
    if not isinstance(header, dict) or header.keys() != HEADER_MEMBERS:
        raise TokenRefusedError("a token's header has exactly the members alg, kid and typ")
    algorithm, kid, token_type = header["alg"], header["kid"], header["typ"]
    if not (isinstance(algorithm, str) and isinstance(kid, str)):
        raise TokenRefusedError("alg and kid of a token are text")
    if not isinstance(token_type, str) or token_type.lower() != profile.token_type.lower():
        raise TokenRefusedError(f"typ of a token is {profile.token_type}")
    return algorithm, kid


def as_old_header(header: object) -> Mapping[str, object] | None:
    """Give a header that tokens from before a migration may have: no `kid`, no `typ`, or the `typ` JWT; else None."""
    if not isinstance(header, dict) or not header.keys() <= HEADER_MEMBERS:
        return None
    if not isinstance(header.get("alg"), str) or not isinstance(header.get("kid", ""), str):
        return None
    is_old = "kid" not in header or str(header.get("typ", "JWT")).upper() == "JWT"
    return header if is_old else None


def check_claims(claims: object, profile: TokenProfile, *, now_s: float) -> Mapping[str, Any]:
    """Give the claims of a token that is alive at `now_s` (Unix seconds) and meant for us.

    `iss`, `aud`, `iat` and `exp` are required; `nbf` is honoured; exp - iat is at most the longest life.

    Raises:
        TokenRefusedError: anything else.
    """
    if not isinstance(claims, dict):
        raise TokenRefusedError("the claims of a token are one JSON object")
    if claims.get("iss") != profile.issuer:
        raise TokenRefusedError("iss of the token is not the issuer expected here")
    if not _is_for(claims.get("aud"), profile.audience):
        raise TokenRefusedError("aud of the token does not name this audience")
    leeway = profile.leeway.total_seconds()
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    if expires - issued > profile.longest_token.total_seconds() or expires <= issued:
        raise TokenRefusedError("exp of the token is not after iat, or further than the longest lifetime")
    if now_s >= expires + leeway:
        raise TokenRefusedError("the token has expired")
    starts = max(issued, _time(claims, "nbf")) if "nbf" in claims else issued
    if now_s < starts - leeway:
        raise TokenRefusedError("the token is not valid yet")
    _check_texts(claims)
    return claims


def _is_for(audience: object, wanted: str) -> bool:
    if isinstance(audience, list):
        return all(isinstance(one, str) for one in audience) and wanted in audience
    return audience == wanted


def _time(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if type(value) not in {int, float} or not 0 <= value <= _LARGEST_TIME:  # type: ignore[operator]
        raise TokenRefusedError(f"{name} of a token is a NumericDate (RFC 7519 §2)")
    return float(value)  # type: ignore[arg-type]


def _check_texts(claims: Mapping[str, object]) -> None:
    for name in ("sub", "jti"):
        if name in claims and not isinstance(claims[name], str):
            raise TokenRefusedError(f"{name} of a token is text")
