"""Read a ring's material back from the store, and believe only what its digest proves."""

from collections.abc import Iterable
from dataclasses import dataclass

from journal_keys.domain import material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.material import MaterialRecord
from journal_keys.domain.paths import versions_folder
from journal_keys.ports.secret_store import FolderContent, SecretStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMaterial:
    """Read the versions folder of one ring past every cache."""

    store: SecretStore

    async def __call__(self, family: Family) -> FolderContent:
        """Give the folder, marker proved.

        Raises:
            SecretHiddenError: the marker is not there, so absence proves nothing.
            SecretStoreError: no believable answer.
        """
        return (await self.store.read_folder(versions_folder(family))).require_marked()


def records_of(content: FolderContent, versions: Iterable[KeyVersion]) -> dict[Kid, MaterialRecord]:
    """The records of these versions that the folder holds.

    Raises:
        MaterialCorruptError: a stored line is not the one whose digest the ledger holds.
    """
    return {version.kid: checked_record(content, version) for version in versions if version.kid in content.secrets}


def checked_record(content: FolderContent, version: KeyVersion) -> MaterialRecord:
    """The record of one version that the folder holds.

    Raises:
        MaterialCorruptError: the stored line is not the one whose digest the ledger holds.
    """
    line = content.secrets[version.kid]
    if line.digest() != version.digest:
        raise MaterialCorruptError(
            f"the material stored for {version.kid} is not what the ledger recorded: it was changed in the store;"
            " restore it from a backup or compromise the key"
        )
    record = material.decode(line)
    if (record.kid, record.family, record.algorithm) != (version.kid, version.family, version.algorithm):
        raise MaterialCorruptError(f"the material stored for {version.kid} describes another key")
    return record
