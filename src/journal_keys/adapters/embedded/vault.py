"""The embedded vault: a secret store in one sealed file, shared by any number of processes."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from journal_keys.adapters.embedded import files, sealing
from journal_keys.adapters.embedded.seal import NONCE_BYTES
from journal_keys.domain import base64url
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial, parse_key
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.secret_store import (
    FolderContent,
    SecretStore,
    SecretStoreDeniedError,
    SecretStoreUnavailableError,
    WriteOnceConflictError,
    folder_of,
)

KEY_FILE: Final = "master.key"
_MASTER_SETTING: Final = "JOURNAL_KEYS_VAULT_MASTER_KEY"
_MOST_KEY_FILE: Final = 256
Secrets: TypeAlias = dict[SecretPath, KeyMaterial]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddedVault(SecretStore):
    """Reads without a lock, since replacing a file is atomic; writes one at a time, whole and synced."""

    file: Path
    master: KeyMaterial
    entropy: Entropy

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        """Give the secrets whose folder this is."""
        secrets = await asyncio.to_thread(self._read)
        depth = len(folder.segments) + 1
        here = {p.name: v for p, v in secrets.items() if len(p.segments) == depth and p.is_within(folder)}
        return FolderContent(folder, here)

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        """Create a write-once secret."""

        def put(secrets: Secrets) -> bool:
            held = secrets.setdefault(path, value)
            if not held.same_as(value):
                raise WriteOnceConflictError(f"{path} already holds other content: it was not overwritten")
            return held is value

        await self._change(put)

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Set secrets of one folder, all at once."""

        def put(secrets: Secrets) -> bool:
            secrets.update(values)
            return True

        if folder_of(values) is not None:
            await self._change(put)

    async def delete(self, path: SecretPath) -> None:
        """Remove a secret."""
        await self._change(lambda secrets: secrets.pop(path, None) is not None)

    async def _change(self, change: Callable[[Secrets], bool]) -> None:
        """Apply `change` to what the file holds now; it says whether there is anything to write.

        The thread ends its work even where the caller was cancelled: the effect is then unknown to the caller.
        """
        await asyncio.to_thread(self._change_locked, change)

    def _change_locked(self, change: Callable[[Secrets], bool]) -> None:
        with files.locked(self.file):
            secrets = self._read()
            if change(secrets):
                files.remove_leftovers(self.file)
                files.write_private(self.file, self._sealed(secrets), replace=True)

    def _read(self) -> Secrets:
        data = files.read_private(self.file, most=sealing.MOST_BYTES)
        if data is None:
            raise SecretStoreUnavailableError(
                f"the vault {self.file} is missing: restore it, or run 'journal-keys init' on a fresh ledger"
            )
        return sealing.unseal(data, self.master, name=str(self.file))

    def _sealed(self, secrets: Secrets) -> bytes:
        return sealing.seal(secrets, self.master, self.entropy.token(NONCE_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LateVault(SecretStore):
    """A vault that could not be opened at the start: each call opens it, or fails as `open_vault` does."""

    open: Callable[[], EmbeddedVault]

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        """Open, and read."""
        return await self.open().read_folder(folder)

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        """Open, and create."""
        await self.open().put_new(path, value)

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Open, and set."""
        await self.open().overwrite(values)

    async def delete(self, path: SecretPath) -> None:
        """Open, and remove."""
        await self.open().delete(path)


def open_vault(file: Path, entropy: Entropy, *, master: KeyMaterial | None) -> EmbeddedVault:
    """Give the vault in this file, with the master key handed in (base64url text) or the one in the key file beside it.

    Nothing is made; a missing vault is found out by its first use.

    Raises:
        SecretStoreUnavailableError: there is no key file and none was handed in.
        SecretStoreDeniedError: the key is malformed, or its file is a link, another owner's or open to others.
    """
    key_file = file.with_name(KEY_FILE)
    text = expose(master) if master is not None else files.read_private(key_file, most=_MOST_KEY_FILE)
    if text is None:
        raise SecretStoreUnavailableError(
            f"the master key {key_file} is missing: restore it, set JOURNAL_KEYS_VAULT_MASTER_KEY, or run"
            " 'journal-keys init' on a fresh ledger"
        )
    name = _MASTER_SETTING if master is not None else str(key_file)
    return EmbeddedVault(file=file, master=_parsed(text, name), entropy=entropy)


def check_master(master: KeyMaterial) -> None:
    """Look at a master key that was handed in.

    Raises:
        SecretStoreDeniedError: it is malformed.
    """
    _parsed(expose(master), _MASTER_SETTING)


def create_vault(file: Path, entropy: Entropy, *, master: KeyMaterial | None) -> bool:
    """Make folder (0700), key file (0600) unless the key is handed in, and an empty vault (0600).

    Gives False where the vault is there; it then stays as it is, whatever its key.

    Raises:
        SecretStoreError: something cannot be made; a key file that was made stays for the next try.
    """
    files.make_private_folder(file.parent)
    with files.locked(file):
        if files.read_private(file, most=sealing.MOST_BYTES) is not None:
            return False
        if master is None:
            _make_key_file(file.with_name(KEY_FILE), entropy)
        vault = open_vault(file, entropy, master=master)
        files.write_private(file, vault._sealed({}), replace=False)  # noqa: SLF001 (same module)
    return True


def _make_key_file(key_file: Path, entropy: Entropy) -> None:
    """Make a key file where there is none; one that is there was made by a try that got no further."""
    if files.read_private(key_file, most=_MOST_KEY_FILE) is None:
        text = base64url.encode(entropy.token(sealing.MASTER_BYTES)) + "\n"
        files.write_private(key_file, text.encode("ascii"), replace=False)


def _parsed(text: bytes, name: str) -> KeyMaterial:
    key = parse_key(text)
    if key is None:
        raise SecretStoreDeniedError(f"{name} holds no master key: expected 32 bytes as base64url (43 characters)")
    return key
