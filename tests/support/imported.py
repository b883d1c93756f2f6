"""Keys as environment variables hold them, and a world that has taken some in."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from journal_keys.adapters.crypto.foreign_keys import CryptographyForeignKeys, ViewWorkReader
from journal_keys.adapters.crypto.key_crypto import CryptographyKeyOpener
from journal_keys.domain import material, rotation
from journal_keys.domain.keys import Family, KeyVersion
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.key_crypto import NewKey
from tests.support.canary.entropy import WatchedEntropy
from tests.support.process import Process
from tests.support.views import PROFILE
from tests.support.world import World

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
ED25519: Final = ed25519.Ed25519PrivateKey.from_private_bytes(b"an ed25519 seed of 32 bytes, no.")
P256: Final = ec.derive_private_key(int.from_bytes(b"a P-256 secret", "big"), ec.SECP256R1())
SHARED: Final = KeyMaterial(b"an HS256 secret of thirty-two bytes and a few more")


def pem(private: PrivateKey) -> KeyMaterial:
    """PKCS #8."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyMaterial(private.private_bytes(*form))


def public_pem(private: PrivateKey) -> KeyMaterial:
    """SubjectPublicKeyInfo."""
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return KeyMaterial(private.public_key().public_bytes(*form))


def text_key(seed: int) -> str:
    """32 bytes of base64url, as `AUTH_ENC_KEYS` and Fernet have them."""
    return urlsafe_b64encode(WatchedEntropy(seed).token(32)).decode("ascii")


def aes_json(*kids: str, seed: int = 40) -> KeyMaterial:
    """`AUTH_ENC_KEYS` with a key for each kid."""
    return KeyMaterial(json.dumps({kid: text_key(seed + n) for n, kid in enumerate(kids)}).encode("ascii"))


def foreign_keys(world: World) -> CryptographyForeignKeys:
    """The reader of keys from elsewhere, on the world's clock."""
    return CryptographyForeignKeys(
        opener=CryptographyKeyOpener(), profile=PROFILE, clock=world.clock, entropy=WatchedEntropy(77)
    )


def work_reader(process: Process) -> ViewWorkReader:
    """What reads old work on a process's views."""
    return ViewWorkReader(verifier=process.verifier, cipher=process.cipher)


async def stored(world: World, keys: Sequence[NewKey]) -> list[KeyVersion]:
    """Put the material of keys into the store, and give their versions."""
    versions = []
    for key in keys:
        line = material.encode(key.record)
        await world.store.put_new(versions_folder(key.record.family).child(key.record.kid), line)
        versions.append(material.unused_version(key.record, digest=line.digest(), public_jwk=key.public_jwk))
    return versions


async def admitted(world: World, family: Family, *keys: NewKey) -> World:
    """Take keys into a ring that is there."""
    versions, ring = await stored(world, keys), await world.ring(family)
    cause = Cause(at=world.clock.read().wall, actor="test", reason="moved in")
    await world.ledger.commit(lambda at: rotation.admit(ring, versions, cause.when(at)))
    return world
