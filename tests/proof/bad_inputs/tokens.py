"""JWTs: good, mangled, forged, and properly signed over what may be anything."""

import hmac
import json
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives import serialization

from journal_keys.domain import base64url
from journal_keys.domain.keys import Algorithm
from journal_keys.domain.token import TokenRefusedError
from tests.proof.bad_inputs import keys
from tests.proof.bad_inputs.documents import altered, members_of, odd_value, rendered
from tests.proof.bad_inputs.encodings import slowly_decoded
from tests.proof.bad_inputs.search import REFUSED, Target
from tests.proof.bad_inputs.signing import CLAIMS, DAY_S, NOW_S, encoded, header_of, signed_token, verifier
from tests.proof.bad_inputs.texts import mangled, mangled_bytes, noise, wrong_type
from tests.proof.bad_inputs.token_judge import fault_of

_SIGNING: Final = (Algorithm.EDDSA,) * 30 + (Algorithm.ES256,) * 15 + (Algorithm.RS256,)
_TIMES: Final = (0, -1, NOW_S - 61, NOW_S - 60, NOW_S + 60, NOW_S + 61, NOW_S + 14 * DAY_S, 10**11, 2**63)


def _good(number: int) -> str:
    algorithm = tuple(keys.SIGNING)[number % 3]
    extra: tuple[dict[str, object], ...]
    extra = ({}, {"sub": "user:1"}, {"jti": "x", "roles": ["a", {"b": 1.5}]}, {"nbf": NOW_S, "aud": ["journal", "b"]})
    claims = {**CLAIMS, **extra[number % 4]}
    return signed_token(algorithm, json.dumps(header_of(algorithm)), json.dumps(claims))


_GOOD: Final = tuple(_good(number) for number in range(24))
_UNTOUCHED: Final = frozenset(_GOOD)


def _hand_made(dice: Random) -> str:
    """Properly signed; header, claims or both may be anything."""
    algorithm = dice.choice(_SIGNING)
    header, claims = header_of(algorithm), dict(CLAIMS)
    if dice.random() < 0.4:
        claims[dice.choice(("iat", "exp", "nbf"))] = dice.choice(_TIMES)
    texts = [json.dumps(header), json.dumps(claims)]
    if dice.random() < 0.7:
        texts[1] = altered(claims, dice)
    elif dice.random() < 0.7:
        texts[0] = altered(header | {"crit": ["b64"]} if dice.random() < 0.1 else header, dice)
    elif dice.random() < 0.5:
        texts[1] = odd_value(dice)
    else:
        texts[1] = rendered([*members_of(claims), ("extra", odd_value(dice))], dice)
    return signed_token(algorithm, *texts)


def _forged(dice: Random) -> str:
    """Signed by nobody, by another key, or with the public key as if it were a secret of HMAC."""
    algorithm = dice.choice(_SIGNING)
    name = dice.choice(("none", "None", "HS256", "EdDSA", "ES256", "RS256", "ES384", "PS256"))
    message = f"{encoded(json.dumps(header_of(algorithm) | {'alg': name}))}.{encoded(json.dumps(CLAIMS))}"
    pem = (
        keys.SIGNING[algorithm]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    other = keys.signed(keys.ED25519 if algorithm is not Algorithm.EDDSA else keys.P256, message.encode())
    signatures = (b"", hmac.digest(pem, message.encode(), "sha256"), other, dice.randbytes(64), bytes(64), other * 5)
    return f"{message}.{base64url.encode(dice.choice(signatures))}"


def _reshaped(dice: Random) -> str:
    """A good token in another form, or with another's parts."""
    parts = dice.choice(_GOOD).split(".")
    other = dice.choice(_GOOD).split(".")
    at = dice.randrange(3)
    data = slowly_decoded(parts[at])
    assert isinstance(data, bytes)
    match dice.randrange(6):
        case 0:
            parts[at] = other[at]
        case 1:
            parts[at] = base64url.encode(mangled_bytes(data, dice))
        case 2:
            dice.shuffle(parts)
        case 3:
            parts[at] += dice.choice(("=", "==", "A", "\n"))
        case 4:
            parts.insert(at, dice.choice(("", "AA", other[at])))
        case _:
            return json.dumps({"protected": parts[0], "payload": parts[1], "signature": parts[2]})
    return ".".join(parts)


def _some_token(dice: Random) -> Any:  # noqa: ANN401 (some are no text)
    kind = dice.randrange(20)
    if kind == 0:
        return wrong_type(dice)
    if kind == 1:
        return dice.choice((noise(dice), "A" * 8_193, dice.choice(_GOOD) * 40, "." * dice.randrange(6)))
    if kind == 2:
        return dice.choice(_GOOD)
    if kind < 8:
        return _hand_made(dice)
    if kind < 10:
        return _forged(dice)
    return _reshaped(dice) if kind < 13 else mangled(dice.choice(_GOOD), dice, _GOOD)


def _fault(token: Any, got: object) -> str | None:  # noqa: ANN401 (some are no text)
    if got is REFUSED:
        return "a good token was refused" if isinstance(token, str) and token in _UNTOUCHED else None
    return fault_of(token, got)


TOKEN: Final[Target[Any]] = Target(
    name="JwtVerifier.verify",
    make=_some_token,
    read=verifier().verify,
    refusals=(TokenRefusedError,),
    fault=_fault,
    share=10_000,
)
