"""Read a secret by its path, from memory where possible."""

from dataclasses import dataclass

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStore


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSecret:
    """Read through the cache."""

    store: SecretStore
    cache: SecretCache

    async def __call__(self, path: SecretPath) -> KeyMaterial:
        """Give the secret.

        Raises:
            SecretNotFoundError: the folder is ours and holds no such name.
            SecretHiddenError: the folder shows no marker, so absence proves nothing.
            SecretStoreError: the store failed, and nothing recent enough is cached.
        """
        return await self.cache.get(path, self._load)

    async def _load(self, path: SecretPath) -> KeyMaterial:
        content = await self.store.read_folder(path.folder)
        found = content.secrets.get(path.name)
        if found is None:
            content.require_marked()
            raise SecretNotFoundError(f"there is no secret {path}")
        return found
