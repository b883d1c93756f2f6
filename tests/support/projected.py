"""Reading the guide's names back, as another program would: which key does each of them hold?"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import OKPAlgorithm

from journal_keys.domain import base64url
from journal_keys.domain.exposure import expose
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import KeyMaterial, aes_kid

FOREIGN: Final = KeyMaterial(b"somebody else's")
"""What tests put in the place of a projection: no key at all."""


def projected_kids(secrets: Mapping[str, KeyMaterial]) -> dict[str, Kid]:
    """The kid of the key under each projection that holds one; `keys_map` holds many and is left out."""
    return {
        name: _READERS[name](expose(value))
        for name, value in secrets.items()
        if name in _READERS and not value.same_as(FOREIGN)
    }


def mapped_kids(secrets: Mapping[str, KeyMaterial]) -> set[str]:
    """The names in `keys_map`, each proved to be its key's."""
    keys = json.loads(expose(secrets["keys_map"]))
    assert all(_raw(key.encode()) == kid for kid, key in keys.items())
    return set(keys)


@lru_cache(maxsize=4096)
def _raw(text: bytes) -> Kid:
    return aes_kid(KeyMaterial(base64url.decode(text.decode())))


def _text(text: bytes) -> Kid:
    return Kid(text.decode())


@lru_cache(maxsize=4096)
def _private(pem: bytes) -> Kid:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, Ed25519PrivateKey)
    return _of(key.public_key())


@lru_cache(maxsize=4096)
def _public(pem: bytes) -> Kid:
    return _of(load_pem_public_key(pem))


def _of(key: Any) -> Kid:  # noqa: ANN401 (whatever the library loads)
    return Kid(PublicJwk.from_members(OKPAlgorithm.to_jwk(key, as_dict=True)).kid())


_READERS: Final[Mapping[str, Callable[[bytes], Kid]]] = {
    "current_private_key": _private,
    "next_private_key": _private,
    "current_public_key": _public,
    "next_public_key": _public,
    "current_key": _raw,
    "next_key": _raw,
    "active_kid": _text,
}
