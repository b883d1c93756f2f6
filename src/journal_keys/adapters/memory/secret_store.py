"""A secret store that dies with its process."""

from collections.abc import Mapping

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import FolderContent, SecretStore, WriteOnceConflictError, folder_of


class MemorySecretStore(SecretStore):
    """A dictionary."""

    def __init__(self) -> None:
        self._secrets: dict[SecretPath, KeyMaterial] = {}

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        """Give the secrets whose folder this is."""
        depth = len(folder.segments) + 1
        here = {p.name: v for p, v in self._secrets.items() if len(p.segments) == depth and p.is_within(folder)}
        return FolderContent(folder, here)

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        """Create a write-once secret."""
        held = self._secrets.setdefault(path, value)
        if not held.same_as(value):
            raise WriteOnceConflictError(f"{path} already holds other content: it was not overwritten")

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Set secrets of one folder."""
        folder_of(values)
        self._secrets.update(values)

    async def delete(self, path: SecretPath) -> None:
        """Remove a secret."""
        self._secrets.pop(path, None)
