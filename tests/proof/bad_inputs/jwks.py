"""Public keys as the ledger keeps them."""

import hashlib
import json
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from journal_keys.adapters.crypto.key_crypto import CryptographyKeyOpener
from journal_keys.domain import base64url
from journal_keys.domain.errors import InvalidNameError, MaterialCorruptError
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import Algorithm, Kid
from tests.proof.bad_inputs import keys
from tests.proof.bad_inputs.documents import altered, strictly_read
from tests.proof.bad_inputs.encodings import slowly_decoded
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled_bytes, noise

_OPENER: Final = CryptographyKeyOpener()


def _number(value: int, size: int = 0) -> str:
    return base64url.encode(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _point(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32)}


def _modulus(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}


GOOD: Final[dict[Algorithm, dict[str, str]]] = {
    Algorithm.EDDSA: {
        "crv": "Ed25519",
        "kty": "OKP",
        "x": base64url.encode(keys.ED25519.public_key().public_bytes_raw()),
    },
    Algorithm.ES256: _point(keys.P256),
    Algorithm.RS256: _modulus(keys.RSA),
}
_DOCUMENTS: Final = (*GOOD.values(), _modulus(keys.SHORT_RSA), {"kty": "oct", "k": "AAAA"})


def _some_jwk(dice: Random) -> str:
    document = dict(dice.choice(_DOCUMENTS))
    kind = dice.randrange(10)
    if kind == 0:
        return json.dumps(document)
    if kind == 1:
        return noise(dice)
    if kind == 2:
        document |= {"d": "AA", "kid": "jwt_x"} if dice.random() < 0.5 else {"use": "sig"}
    if kind < 7:
        name = dice.choice(("x", "y", "n", "e"))
        data = slowly_decoded(document.get(name, "AA"))
        assert isinstance(data, bytes)
        changed = dice.choice((b"\x00" + data, data[1:], data + b"\x00", mangled_bytes(data, dice), b"", b"\x00"))
        document[name] = base64url.encode(changed)
        return json.dumps(document)
    return altered(document, dice)


def jwk_expected(text: str) -> object:
    """Kid and members of a key whose numbers have their one form (RFC 7518 §6, RFC 8037 §2)."""
    members = strictly_read(text)
    if not isinstance(members, dict) or not all(isinstance(value, str) for value in members.values()):
        return REFUSED
    sizes = {name: _size(members[name]) for name in members.keys() & {"x", "y", "n", "e"}}
    match members:
        case {"kty": "OKP", "crv": "Ed25519", "x": _} if len(members) == 3 and sizes == {"x": 32}:
            pass
        case {"kty": "EC", "crv": "P-256", "x": _, "y": _} if len(members) == 4 and sizes == {"x": 32, "y": 32}:
            pass
        case {"kty": "RSA", "n": _, "e": _} if len(members) == 3 and min(sizes.values()) > 0:
            if any(slowly_decoded(members[name])[0] == 0 for name in ("n", "e")):  # type: ignore[index]
                return REFUSED
        case _:
            return REFUSED
    thumbprint = hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
    return "jwt_" + base64url.encode(thumbprint)[:22], dict(sorted(members.items()))


def _size(text: str) -> int:
    data = slowly_decoded(text)
    return len(data) if isinstance(data, bytes) else -1


def _parsed(text: str) -> object:
    jwk = PublicJwk.from_json(text)
    return jwk.kid(), dict(jwk.members)


JWK: Final[Target[str]] = Target(
    name="PublicJwk.from_json",
    make=_some_jwk,
    read=_parsed,
    refusals=(InvalidNameError,),
    fault=differs_from(jwk_expected),
    share=6_000,
)


def _opened(given: tuple[Algorithm, str]) -> object:
    algorithm, text = given
    jwk = PublicJwk.from_json(text)
    key: Any = _OPENER.verifying(Kid(jwk.kid()), algorithm, jwk).key
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else key.public_numbers()


def _openable(given: tuple[Algorithm, str]) -> object:
    """The key's numbers, where they are a point on the curve, or a modulus of 2048 bits and an odd exponent."""
    algorithm, text = given
    expected = jwk_expected(text)
    if not isinstance(expected, tuple) or expected[1].keys() != GOOD[algorithm].keys():
        return REFUSED
    numbers = {name: slowly_decoded(value) for name, value in expected[1].items() if name in "xyne"}
    return _numbers(algorithm, {name: data for name, data in numbers.items() if isinstance(data, bytes)})


def _numbers(algorithm: Algorithm, numbers: dict[str, bytes]) -> object:
    if algorithm is Algorithm.EDDSA:
        return numbers["x"]
    values = {name: int.from_bytes(data, "big") for name, data in numbers.items()}
    try:
        if algorithm is Algorithm.ES256:
            public = ec.EllipticCurvePublicNumbers(values["x"], values["y"], ec.SECP256R1())
            return public.public_key().public_numbers()
        modulus = rsa.RSAPublicNumbers(values["e"], values["n"])
        return modulus if modulus.public_key().key_size >= 2048 else REFUSED
    except ValueError:
        return REFUSED


OPENED_JWK: Final[Target[tuple[Algorithm, str]]] = Target(
    name="KeyOpener.verifying",
    make=lambda dice: (dice.choice(tuple(GOOD)), _some_jwk(dice)),
    read=_opened,
    refusals=(InvalidNameError, MaterialCorruptError),
    fault=differs_from(_openable),
    share=2_000,
)
