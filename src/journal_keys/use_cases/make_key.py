"""Make a key that the store has proved to keep."""

from dataclasses import dataclass

from journal_keys.domain import material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keys import KeyVersion
from journal_keys.domain.material import MaterialRecord
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.ports.key_crypto import KeyGenerator, KeyOpener
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStore, SecretStoreUnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeKey:
    """Make a key, put it under its write-once name, read it back and prove it."""

    store: SecretStore
    generator: KeyGenerator
    opener: KeyOpener

    async def __call__(self, policy: RotationPolicy, cause: Cause) -> KeyVersion:
        """Give the version, not yet in any ring.

        Raises:
            SecretStoreError: the store did not take the key, or did not give it back.
            MaterialCorruptError: what the store gave back is not what was put.
        """
        record = self.generator.generate(policy.family, policy.algorithm, cause.at).record
        line = material.encode(record)
        failure = await self._put(record, line)
        content = await self.store.read_folder(versions_folder(policy.family))
        stored = content.secrets.get(record.kid)
        if stored is None:
            raise failure or SecretNotFoundError(f"{record.kid} was written and cannot be read back")
        if not stored.same_as(line):
            raise MaterialCorruptError(f"{record.kid} reads back with other content than was written")
        back = material.decode(stored)
        return material.unused_version(back, digest=stored.digest(), public_jwk=self.opener.prove(back))

    async def _put(self, record: MaterialRecord, line: material.KeyMaterial) -> SecretStoreUnavailableError | None:
        try:
            await self.store.put_new(versions_folder(record.family).child(record.kid), line)
        except SecretStoreUnavailableError as failure:
            return failure  # done or not done: the read-back decides
        return None
