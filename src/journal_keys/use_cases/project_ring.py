"""Write the names that the integration guide promises, from the ledger's ring. They are never read back as truth."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.paths import PROJECTION_NAMES, SecretPath, family_folder
from journal_keys.domain.projections import aes_projections
from journal_keys.ports.key_crypto import PemRenderer
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.read_material import ReadMaterial, records_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRing:
    """Make `/auth/<family>/…` say what the ring says."""

    store: SecretStore
    read_material: ReadMaterial
    pem: PemRenderer

    async def __call__(self, ring: KeyRing) -> int:
        """Write what differs, delete what no longer stands for a key, and give how many names that were.

        Raises:
            SecretStoreError: some names may be old; `reconcile` writes them again.
            MaterialCorruptError: the store holds other material than the ledger recorded.
        """
        records = records_of(await self.read_material(ring.family), ring.accepted)
        wanted = self._render(ring, records)
        folder = family_folder(ring.family)
        held = (await self.store.read_folder(folder)).require_marked().secrets
        changed = 0
        for name in PROJECTION_NAMES[ring.family.value]:
            changed += await self._project(folder.child(name), wanted.get(name), held.get(name))
        return changed

    async def _project(self, path: SecretPath, wanted: KeyMaterial | None, held: KeyMaterial | None) -> int:
        if wanted is None and held is None:
            return 0
        if wanted is None:
            await self.store.delete(path)
            return 1
        if held is not None and held.same_as(wanted):
            return 0
        await self.store.overwrite(path, wanted)
        return 1

    def _render(self, ring: KeyRing, records: Mapping[Kid, MaterialRecord]) -> Mapping[str, KeyMaterial]:
        if ring.family is Family.AES:
            return aes_projections(ring, records)
        pems: dict[str, KeyMaterial] = {}
        for prefix, version in (("current", ring.active), ("next", ring.staged)):
            if version is not None and version.kid in records:
                pems[f"{prefix}_private_key"] = self.pem.private_pem(records[version.kid])
                pems[f"{prefix}_public_key"] = self.pem.public_pem(records[version.kid])
        return pems
