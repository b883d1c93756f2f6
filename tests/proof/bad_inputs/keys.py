"""Fixed keys of every kind, so that every input can be made again: small numbers and well-known primes for secrets."""

import base64
from typing import Final, TypeAlias

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from journal_keys.domain.keys import Algorithm

SigningPrivateKey: TypeAlias = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
AnyPrivateKey: TypeAlias = SigningPrivateKey | Ed448PrivateKey | X25519PrivateKey
_EXPONENT: Final = 65_537


def _rsa(p: int, q: int) -> rsa.RSAPrivateKey:
    """The key of two primes."""
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    parts = {"dmp1": d % (p - 1), "dmq1": d % (q - 1), "iqmp": pow(q, -1, p)}
    return rsa.RSAPrivateNumbers(p=p, q=q, d=d, public_numbers=public, **parts).private_key()


ED25519: Final = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
P256: Final = ec.derive_private_key(7, ec.SECP256R1())
RSA: Final = _rsa(2**1024 - 105, 2**1024 - 179)
SIGNING: Final[dict[Algorithm, SigningPrivateKey]] = {
    Algorithm.EDDSA: ED25519,
    Algorithm.ES256: P256,
    Algorithm.RS256: RSA,
}
SHORT_RSA: Final = _rsa(2**607 - 1, 2**521 - 1)
FOREIGN: Final[tuple[AnyPrivateKey, ...]] = (
    ec.derive_private_key(7, ec.SECP384R1()),
    ec.derive_private_key(7, ec.SECP256K1()),
    ec.derive_private_key(7, ec.BrainpoolP256R1()),
    Ed448PrivateKey.from_private_bytes(b"\x01" * 57),
    X25519PrivateKey.from_private_bytes(b"\x01" * 32),
    SHORT_RSA,
)
"""Keys under which nothing is signed here."""

ENCRYPTED: Final = base64.b64decode(
    "MIH0MF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBDMeYnDZVad9dpjRp3vmKVhAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQ"
    "WeyEhlNrASFnNUWKagxrCQSBkKeK3KO5wN0k7nV0Qp2WOpQa4Zq/Uj9fFnnIozhzrIWgOyhisMJ2yytlmW2NWutciTffLqsC4jVp7cRixykNnfm1"
    "4b6s8ddLWF1EmQCNrEj+8pje8oiGPRD2BFpfHpOHQm26C1/oagRj2gsP+qDZW3L9HT0KwTxNA+P5w68ys33NzAxK+6rhfEFg7tOWFo4+dA=="
)
"""P256 as PKCS #8 under the password `password`."""


def der(key: AnyPrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    """The private key as PKCS #8, unless asked for otherwise."""
    return key.private_bytes(Encoding.DER, form, serialization.NoEncryption())


def ed25519_frame(size: int) -> bytes:
    """PKCS #8 (RFC 8410 §7) as of an Ed25519 key, around a secret of any size."""
    secret = bytes((4, size + 2, 4, size)) + b"\x01" * size
    body = bytes.fromhex("020100300506032b6570") + secret
    return bytes((0x30, len(body))) + body


def signed(key: SigningPrivateKey, message: bytes) -> bytes:
    """The JWS signature (RFC 7518 §3, RFC 8037 §3.1), the same for the same message."""
    match key:
        case Ed25519PrivateKey():
            return key.sign(message)
        case rsa.RSAPrivateKey():
            return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
