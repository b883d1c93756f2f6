"""A store that gives no answer when names are written, for as long as it is silent."""

from collections.abc import Mapping

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import SecretStoreUnavailableError


class SilentOnNames(MemorySecretStore):
    """Takes new keys all the while."""

    is_silent = False

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        if self.is_silent:
            raise SecretStoreUnavailableError("names cannot be written")
        await super().overwrite(values)
