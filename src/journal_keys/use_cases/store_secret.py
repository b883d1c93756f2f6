"""Set, delete and list secrets that are not keys of a ring."""

from dataclasses import dataclass

from journal_keys.domain.errors import RefusedError
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, SecretPath, is_owned
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStore, SecretStoreUnavailableError


class OwnedPathError(RefusedError):
    """The path belongs to a ring: only rotation writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSecret:
    """Set one secret and prove that the store kept it."""

    store: SecretStore
    cache: SecretCache

    async def __call__(self, path: SecretPath, value: KeyMaterial) -> None:
        """Set the secret; its folder is marked as ours.

        Raises:
            OwnedPathError: material, projections and markers of a ring are not set by hand.
            SecretStoreUnavailableError: the store failed, and the value does not read back.
            SecretStoreError: the store refused.
        """
        refuse_owned(path)
        await self.store.put_new(path.folder.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
        failure = await self._overwrite(path, value)
        await self.cache.invalidate(path)
        held = (await self.store.read_folder(path.folder)).secrets.get(path.name)
        if held is None or not held.same_as(value):
            raise failure or SecretNotFoundError(f"{path} was written and does not read back as written")

    async def _overwrite(self, path: SecretPath, value: KeyMaterial) -> SecretStoreUnavailableError | None:
        try:
            await self.store.overwrite({path: value})
        except SecretStoreUnavailableError as failure:
            return failure  # done or not done: the read-back decides
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSecret:
    """Delete one secret."""

    store: SecretStore
    cache: SecretCache

    async def __call__(self, path: SecretPath) -> None:
        """Delete the secret.

        Raises:
            OwnedPathError: material, projections and markers of a ring are not deleted by hand.
            SecretNotFoundError: there is none.
            SecretStoreError: the store failed.
        """
        refuse_owned(path)
        content = await self.store.read_folder(path.folder)
        if path.name not in content.secrets:
            content.require_marked()
            raise SecretNotFoundError(f"there is no secret {path}")
        await self.store.delete(path)
        await self.cache.invalidate(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSecrets:
    """Name the secrets of one folder."""

    store: SecretStore

    async def __call__(self, folder: SecretPath) -> tuple[SecretPath, ...]:
        """Give the paths, sorted, markers left out.

        Raises:
            SecretHiddenError: the folder shows no marker.
            SecretStoreError: the store failed.
        """
        content = (await self.store.read_folder(folder)).require_marked()
        return tuple(folder.child(name) for name in sorted(content.secrets) if name != MARKER_NAME)


def refuse_owned(path: SecretPath) -> None:
    """Refuse a path that a ring owns.

    Raises:
        OwnedPathError: it does.
    """
    if is_owned(path):
        raise OwnedPathError(f"{path} belongs to a ring and is written by rotation only; 'rotate' changes it")
