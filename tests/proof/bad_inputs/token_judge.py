"""What PyJWT says about a token, and what the rules say that it does not know."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt

from tests.proof.bad_inputs import keys
from tests.proof.bad_inputs.documents import strictly_read
from tests.proof.bad_inputs.encodings import slowly_decoded
from tests.proof.bad_inputs.search import REFUSED
from tests.proof.bad_inputs.signing import KIDS, NOW_S


def fault_of(token: str, got: object) -> str | None:
    """Say what is wrong with claims that were read, by PyJWT and by the rules that it does not know."""
    header, claims = (_document(part) for part in token.split(".")[:2])
    if slowly_decoded(token.split(".")[2]) is REFUSED or not isinstance(header, dict) or not isinstance(claims, dict):
        return "read from parts that have other readings"
    if header.keys() != {"alg", "kid", "typ"} or header["typ"].lower() != "at+jwt":
        return "read under a header with other members"
    if repr(_by_pyjwt(token, header["kid"])) != repr(dict(claims)) or repr(got) != repr(claims):
        return "PyJWT reads other claims, or none"
    return _untimely(claims)


def _document(part: str) -> object:
    data = slowly_decoded(part)
    try:
        return strictly_read(data.decode("utf-8")) if isinstance(data, bytes) else REFUSED
    except UnicodeDecodeError:
        return REFUSED


def _by_pyjwt(token: str, kid: str) -> object:
    algorithm = next(one for one, known in KIDS.items() if known == kid)
    options: Any = {
        "require": ["exp", "iat", "iss", "aud"],
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
    }
    try:
        return jwt.decode(
            token,
            keys.SIGNING[algorithm].public_key(),
            algorithms=[algorithm.value],
            audience="journal",
            issuer="journal",
            options=options,
        )
    except jwt.PyJWTError as refusal:
        return refusal


def _untimely(claims: Mapping[str, Any]) -> str | None:
    """PyJWT reads the machine's clock; these tokens live in the time of the test's."""
    issued, expires, begins = claims["iat"], claims["exp"], claims.get("nbf", 0)
    if not all(type(one) in {int, float} for one in (issued, expires, begins)):
        return "read with times that are no numbers"
    if not 0 < expires - issued <= timedelta(days=14).total_seconds():
        return "read with a life that is too long, or none"
    return None if max(issued, begins) - 60 <= NOW_S < expires + 60 else "read before or after its time"
