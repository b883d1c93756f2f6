"""The vault file's format: one header, one AES-256-GCM seal over canonical JSON of path → base64url value.

Header: `JKV1`, 16 bytes that tell which master key sealed it, 12 bytes of nonce. All of it is authenticated.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys.domain import base64url, canonical
from journal_keys.domain.errors import InvalidPathError
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import SecretStoreDeniedError, SecretStoreProtocolError

MASTER_BYTES: Final = 32
MOST_BYTES: Final = 16 * 1024 * 1024
_MAGIC: Final = b"JKV1"
_CHECK_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = len(_MAGIC) + _CHECK_BYTES + _NONCE_BYTES
_CHECK_LABEL: Final = b"journal_keys/1 vault key check"


class WrongMasterKeyError(SecretStoreDeniedError):
    """The vault was sealed under another master key."""


class VaultDamagedError(SecretStoreProtocolError):
    """The vault file is not what anybody sealed."""


def seal(secrets: Mapping[SecretPath, KeyMaterial], master: KeyMaterial, nonce: bytes) -> bytes:
    """Give the file's bytes. The nonce has 12 bytes and is never used again.

    Raises:
        SecretStoreProtocolError: the file would be larger than 16 MiB.
    """
    document = {str(path): base64url.encode(expose(value)) for path, value in secrets.items()}
    header = _MAGIC + _check(master) + nonce
    sealed = header + AESGCM(expose(master)).encrypt(nonce, canonical.to_json(document).encode("ascii"), header)
    if len(sealed) > MOST_BYTES:
        raise SecretStoreProtocolError(f"the vault would be larger than {MOST_BYTES} bytes: nothing was written")
    return sealed


def unseal(data: bytes, master: KeyMaterial, *, name: str) -> dict[SecretPath, KeyMaterial]:
    """Give the secrets of a file's bytes; `name` is the file's, for messages.

    Raises:
        WrongMasterKeyError: another master key sealed it.
        VaultDamagedError: cut, changed, too large, or no vault at all.
    """
    if not _HEADER_BYTES + _TAG_BYTES <= len(data) <= MOST_BYTES or not data.startswith(_MAGIC):
        raise VaultDamagedError(f"{name} is no vault of version 1, or was cut off: restore it from a backup")
    header = data[:_HEADER_BYTES]
    nonce = header[-_NONCE_BYTES:]
    try:
        text = AESGCM(expose(master)).decrypt(nonce, data[_HEADER_BYTES:], header)
    except InvalidTag:
        text = None
    if text is None:
        if not hmac.compare_digest(header[len(_MAGIC) : -_NONCE_BYTES], _check(master)):
            raise WrongMasterKeyError(
                f"{name} was sealed under another master key, or its header was changed: check the key file and"
                " JOURNAL_KEYS_VAULT_MASTER_KEY"
            )
        raise VaultDamagedError(f"{name} was changed after it was sealed: restore it from a backup")
    secrets = _secrets(text)
    if secrets is None:
        raise VaultDamagedError(f"{name} was sealed with content of another version")
    return secrets


def _check(master: KeyMaterial) -> bytes:
    return hmac.new(expose(master), _CHECK_LABEL, hashlib.sha256).digest()[:_CHECK_BYTES]


def _secrets(text: bytes) -> dict[SecretPath, KeyMaterial] | None:
    try:
        document: Any = canonical.from_json(text.decode("ascii"))
        return {SecretPath.parse(path): KeyMaterial(base64url.decode(value)) for path, value in document.items()}
    except (ValueError, AttributeError, TypeError, InvalidPathError):
        return None  # nothing is raised from here: these errors carry the whole text along
