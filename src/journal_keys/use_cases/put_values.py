"""Put values into the store, and settle by reading what a lost answer left open."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, SecretPath
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStore, SecretStoreUnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class PutValues:
    """Create or set secrets folder by folder, each of them read back."""

    store: SecretStore

    async def new(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Create what is not there; what is there has to be the same.

        Raises:
            WriteOnceConflictError: a path holds other content, which stays.
            SecretStoreError: the store failed; some may be there, and doing it again goes on.
        """
        failure: SecretStoreUnavailableError | None = None
        for path, value in values.items():
            try:
                await self.store.put_new(path, value)
            except SecretStoreUnavailableError as unanswered:
                failure = unanswered  # done or not done: the read-back decides
        await self._read_back(values, failure)

    async def set(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Set them, whatever was there.

        Raises:
            SecretStoreError: the store failed; each of them holds its old or its new value.
        """
        failure: SecretStoreUnavailableError | None = None
        for folder in _folders(values):
            try:
                await self.store.overwrite({path: value for path, value in values.items() if path.folder == folder})
            except SecretStoreUnavailableError as unanswered:
                failure = unanswered
        await self._read_back(values, failure)

    async def check(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Read them back; raises as `set`, and writes nothing."""
        await self._read_back(values, None)

    async def mark(self, folders: frozenset[SecretPath]) -> None:
        """Mark folders as ours; raises as `new`."""
        await self.new({folder.child(MARKER_NAME): KeyMaterial(MARKER_VALUE) for folder in sorted(folders)})

    async def _read_back(
        self, values: Mapping[SecretPath, KeyMaterial], failure: SecretStoreUnavailableError | None
    ) -> None:
        for folder in _folders(values):
            held = (await self.store.read_folder(folder)).secrets
            for path, value in values.items():
                if path.folder != folder:
                    continue
                found = held.get(path.name)
                if found is None or not found.same_as(value):
                    raise failure or SecretNotFoundError(f"{path} was written and does not read back as written")


def _folders(values: Mapping[SecretPath, KeyMaterial]) -> list[SecretPath]:
    return list(dict.fromkeys(path.folder for path in values))
