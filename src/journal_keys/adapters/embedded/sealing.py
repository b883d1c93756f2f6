"""The vault file's content: canonical JSON of path → base64url value, sealed under the master key."""

from collections.abc import Mapping
from typing import Any, Final

from journal_keys.adapters.embedded.seal import KEY_BYTES, ChangedError, FormError, MarkError, Seal
from journal_keys.domain import base64url, canonical
from journal_keys.domain.errors import InvalidPathError
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import SecretStoreDeniedError, SecretStoreProtocolError

MASTER_BYTES: Final = KEY_BYTES
MOST_BYTES: Final = 16 * 1024 * 1024
_SEAL: Final = Seal(magic=b"JKV1", labels=(b"journal_keys/1 vault key check",), most=MOST_BYTES)


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
    try:
        return _SEAL.close(canonical.to_json(document).encode("ascii"), master, nonce)
    except FormError:
        pass
    raise SecretStoreProtocolError(f"the vault would be larger than {MOST_BYTES} bytes: nothing was written")


def unseal(data: bytes, master: KeyMaterial, *, name: str) -> dict[SecretPath, KeyMaterial]:
    """Give the secrets of a file's bytes; `name` is the file's, for messages.

    Raises:
        WrongMasterKeyError: another master key sealed it.
        VaultDamagedError: cut, changed, too large, or no vault at all.
    """
    try:
        text = _SEAL.open(data, master)
    except FormError:
        raise VaultDamagedError(f"{name} is no vault of version 1, or was cut off: restore it from a backup") from None
    except MarkError:
        raise WrongMasterKeyError(
            f"{name} was sealed under another master key, or its header was changed: check the key file and"
            " JOURNAL_KEYS_VAULT_MASTER_KEY"
        ) from None
    except ChangedError:
        raise VaultDamagedError(f"{name} was changed after it was sealed: restore it from a backup") from None
    secrets = _secrets(text)
    if secrets is None:
        raise VaultDamagedError(f"{name} was sealed with content of another version")
    return secrets


def _secrets(text: bytes) -> dict[SecretPath, KeyMaterial] | None:
    try:
        document: Any = canonical.from_json(text.decode("ascii"))
        return {SecretPath.parse(path): KeyMaterial(base64url.decode(value)) for path, value in document.items()}
    except (ValueError, AttributeError, TypeError, InvalidPathError):
        return None  # nothing is raised from here: these errors carry the whole text along
