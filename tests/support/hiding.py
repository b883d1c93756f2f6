"""A store that answers now and then as if nothing were there."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import FolderContent, SecretStore


@dataclass
class Hiding(MemorySecretStore):
    """A store that shows nothing of one folder, `times` times."""

    plain: SecretStore
    folder: SecretPath
    times: int

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        if folder == self.folder and self.times:
            self.times -= 1
            return FolderContent(folder, {})
        return await self.plain.read_folder(folder)

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        await self.plain.put_new(path, value)

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        await self.plain.overwrite(values)

    async def delete(self, path: SecretPath) -> None:
        await self.plain.delete(path)
