"""Write the names that the integration guide promises, from the ledger's ring. They are never read back as truth."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.paths import PROJECTION_NAMES, family_folder
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
        differing = {folder.child(name): value for name, value in wanted.items() if not _is_held(value, held.get(name))}
        if differing:
            await self.store.overwrite(differing)
        gone = [name for name in PROJECTION_NAMES[ring.family.value] if name in held and name not in wanted]
        for name in gone:
            await self.store.delete(folder.child(name))
        return len(differing) + len(gone)

    def _render(self, ring: KeyRing, records: Mapping[Kid, MaterialRecord]) -> Mapping[str, KeyMaterial]:
        if ring.family is Family.AES:
            return aes_projections(ring, records)
        pems: dict[str, KeyMaterial] = {}
        for prefix, version in (("current", ring.active), ("next", ring.staged)):
            if version is not None and version.kid in records:
                pems[f"{prefix}_private_key"] = self.pem.private_pem(records[version.kid])
                pems[f"{prefix}_public_key"] = self.pem.public_pem(records[version.kid])
        return pems


def _is_held(wanted: KeyMaterial, held: KeyMaterial | None) -> bool:
    return held is not None and held.same_as(wanted)
