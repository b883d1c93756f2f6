"""A store that looks into the stand-in server itself: what tests prepare and look at, without a child."""

from collections.abc import Mapping

from journal_keys.adapters.infisical_cli import wire
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import FolderContent, SecretStore, WriteOnceConflictError, folder_of
from tests.support.infisical.shelves import Shelves

ENVIRONMENT = "dev"


class ShelfStore(SecretStore):
    """Writes and reads in the forms that the adapter uses."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        held = self._shelves.content(ENVIRONMENT, str(folder))
        return FolderContent(folder, {name: wire.from_text(folder, name, one.value) for name, one in held.items()})

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        held = (await self.read_folder(path.folder)).secrets.get(path.name)
        if held is None:
            await self.overwrite({path: value})
        elif not held.same_as(value):
            raise WriteOnceConflictError(f"{path} already holds other content")

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        folder = folder_of(values)
        if folder is None:
            return
        parent, _, name = str(folder).rpartition("/")
        self._shelves.make_folder(ENVIRONMENT, parent or "/", name)
        held = self._shelves.content(ENVIRONMENT, str(folder))
        for path, value in values.items():
            put = self._shelves.update if path.name in held else self._shelves.create
            put(ENVIRONMENT, str(folder), path.name, wire.to_text(value))

    async def delete(self, path: SecretPath) -> None:
        if path.name in self._shelves.content(ENVIRONMENT, str(path.folder)):
            self._shelves.delete(ENVIRONMENT, str(path.folder), path.name)
