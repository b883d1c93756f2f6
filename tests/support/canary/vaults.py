"""The private keys in vaults that a test left: what other processes made is known by no other way."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from journal_keys.adapters.embedded import sealing
from journal_keys.adapters.embedded.vault import KEY_FILE
from journal_keys.domain import base64url, material
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Algorithm, Family
from journal_keys.domain.material import KeyMaterial
from tests.support.canary.files import content


def master_key(text: bytes) -> bytes | None:
    """Give the 32 bytes of a master key's text, if it is one."""
    try:
        key = base64url.decode(text.decode("ascii").strip())
    except ValueError:
        return None
    return key if len(key) == sealing.MASTER_BYTES else None


def is_key_file(path: Path, data: bytes) -> bool:
    """Whether this is the file of a master key: by its name, or by a vault beside it that its content opens."""
    key = master_key(data)
    if key is None:
        return False
    return path.name == KEY_FILE or any(_held(content(beside), key) is not None for beside in path.parent.iterdir())


def keys_in(path: Path, masters: AbstractSet[bytes]) -> Iterator[bytes]:
    """Give master key and private keys of a vault that the key file beside it or one of the masters opens."""
    data = content(path)
    if data.startswith(b"JKV1"):
        beside = master_key(content(path.with_name(KEY_FILE)))
        for master in masters | ({beside} if beside else set()):
            held = _held(data, master)
            yield from () if held is None else (master, *held)


@lru_cache(maxsize=16)
def _held(data: bytes, master: bytes) -> tuple[bytes, ...] | None:
    """Give the private parts of every key that a vault with this content holds, if the master key opens it."""
    try:
        held = sealing.unseal(data, KeyMaterial(master), name="vault")
    except JournalKeysError:
        return None  # damaged, or another's: the test's own matter
    return tuple(part for value in held.values() for part in _keys(value))


def _keys(line: KeyMaterial) -> list[bytes]:
    try:
        record = material.decode(line)
    except JournalKeysError:
        return []  # no record of a key
    if record.family is Family.AES or record.algorithm is Algorithm.HS256:
        return [expose(record.key)]
    return private_parts(serialization.load_der_private_key(expose(record.key), password=None))


def private_parts(key: object) -> list[bytes]:
    """Give the bytes of a private key that its public key does not show."""
    match key:
        case Ed25519PrivateKey():
            return [key.private_bytes_raw()]
        case EllipticCurvePrivateKey():
            return [_number(key.private_numbers().private_value)]
        case RSAPrivateKey():
            numbers = key.private_numbers()
            return [_number(part) for part in (numbers.d, numbers.p, numbers.q)]
        case _:
            return []


def _number(value: int) -> bytes:
    return value.to_bytes(-(-value.bit_length() // 8), "big")
