"""Write the names that the integration guide promises, from the ledger's ring.

They are never read back as truth, but as evidence: a key that they show was published, even if the ring that we hold
does not know it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from journal_keys.domain import material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.paths import MARKER_NAME, PROJECTION_NAMES, family_folder
from journal_keys.domain.projections import Shown, aes_projections, mapped_keys, shown
from journal_keys.ports.key_crypto import KeyOpener, PemRenderer
from journal_keys.ports.ledger import Ledger, LedgerBehindError, StaleGenerationError
from journal_keys.ports.secret_store import FolderContent, PendingApprovalError, SecretStore
from journal_keys.use_cases.read_material import ReadMaterial, records_of

_MOST_TRIES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRing:
    """Make `/auth/<family>/…` say what the newest ring says, whoever else writes there meanwhile.

    The store has no compare-and-set, so who wrote looks at the ledger behind the write: the last to write these names
    has then seen that no newer ring was there to be written.
    """

    ledger: Ledger
    store: SecretStore
    read_material: ReadMaterial
    opener: KeyOpener
    pem: PemRenderer

    async def __call__(self, ring: KeyRing) -> int:
        """Write what differs, delete what no longer stands for a key, and give how many names that were.

        Raises:
            PendingApprovalError: the names of one ring were written twice and did not stay.
            LedgerBehindError: the names show a stored key that no ring knows, at two looks; nothing was written.
            SecretStoreError: some names may be old; `reconcile` writes them again, here and below.
            StaleGenerationError: the ring went away, or changed all the while.
            LedgerError: the names may be of an older ring.
            MaterialCorruptError: the store holds other material than the ledger recorded.
        """
        written = 0
        is_lost = False
        for _ in range(_MOST_TRIES):
            try:
                changed = await self._written(ring)
            except (PendingApprovalError, LedgerBehindError):
                if is_lost:
                    raise
                is_lost = True  # somebody else may have written from an older ring, or from a newer one
            else:
                is_lost = False
                written += changed
                if not changed:
                    return written
            newest = (await self.ledger.read(ring.family)).ring
            if newest is None:
                raise StaleGenerationError(
                    f"ring {ring.family} went away while its names were written: where a migration was rolled back, the"
                    " same rollback once more puts them back"
                )
            if newest.generation > ring.generation:
                ring, is_lost = newest, False
            elif not is_lost:
                return written
        raise StaleGenerationError(f"ring {ring.family} changed {_MOST_TRIES} times while its names were written")

    async def _written(self, ring: KeyRing) -> int:
        content = await self.read_material(ring.family)
        records = records_of(content, ring.accepted)
        folder = family_folder(ring.family)
        held = await self._held(ring.family)
        unknown = self._unknown(ring, content)
        behind = self._shown(held, unknown).published
        if behind:
            raise LedgerBehindError(ring.family, behind)
        mapped = mapped_keys(held.get("keys_map"))
        last_copies = {name: mapped[name] for name, record in unknown.items() if record is None and name in mapped}
        wanted = self._render(ring, records, last_copies)
        differing = {folder.child(name): value for name, value in wanted.items() if not _is_held(value, held.get(name))}
        if differing:
            await self.store.overwrite(differing)
        gone = [name for name in PROJECTION_NAMES[ring.family.value] if name in held and name not in wanted]
        for name in gone:
            await self.store.delete(folder.child(name))
        return len(differing) + len(gone)

    async def shown(self, ring: KeyRing, content: FolderContent) -> frozenset[str]:
        """Which stored keys the names show that the ring does not know.

        Raises:
            SecretStoreError: no believable answer.
        """
        unknown = self._unknown(ring, content)
        return self._shown(await self._held(ring.family), unknown).published if unknown else frozenset()

    async def shown_of(self, family: Family, content: FolderContent) -> Shown:
        """What the names show of all stored keys: maybe an older ring than the newest was.

        Raises:
            SecretHiddenError: the folder does not show its marker, so absence proves nothing.
            SecretStoreError: no believable answer.
        """
        records = {name: self._record(family, name, line) for name, line in content.secrets.items()}
        return self._shown(await self._held(family), records)

    async def _held(self, family: Family) -> Mapping[str, KeyMaterial]:
        return (await self.store.read_folder(family_folder(family))).require_marked().secrets

    def _unknown(self, ring: KeyRing, content: FolderContent) -> Mapping[str, MaterialRecord | None]:
        """The stored keys that the ring does not know; None for a line that is damaged, or another key's."""
        return {name: self._record(ring.family, name, content.secrets[name]) for name in unknown_to(ring, content)}

    def _record(self, family: Family, name: str, line: KeyMaterial) -> MaterialRecord | None:
        try:
            record = material.decode(line)
            self.opener.prove(record)
        except MaterialCorruptError:
            return None
        return record if (record.kid, record.family) == (name, family) else None

    def _shown(self, held: Mapping[str, KeyMaterial], records: Mapping[str, MaterialRecord | None]) -> Shown:
        """What the names show; a line that cannot be read is in nobody's ring, and is never swept."""
        readable = {record.kid: record for record in records.values() if record is not None}
        pems = {kid: pem for kid, record in readable.items() if (pem := self._private_pem(record))}
        return shown(readable, held, pems)

    def _private_pem(self, record: MaterialRecord) -> KeyMaterial | None:
        try:
            return self.pem.private_pem(record)
        except MaterialCorruptError:  # a shared secret has no PEM
            return None

    def _render(
        self, ring: KeyRing, records: Mapping[Kid, MaterialRecord], last_copies: Mapping[str, str]
    ) -> Mapping[str, KeyMaterial]:
        if ring.family is Family.AES:
            return aes_projections(ring, records, last_copies)
        pems: dict[str, KeyMaterial] = {}
        for prefix, version in (("current", ring.active), ("next", ring.staged)):
            if version is not None and version.kid in records:
                pems[f"{prefix}_private_key"] = self.pem.private_pem(records[version.kid])
                pems[f"{prefix}_public_key"] = self.pem.public_pem(records[version.kid])
        return pems


def unknown_to(ring: KeyRing, content: FolderContent) -> frozenset[str]:
    """The stored names that no version of the ring has."""
    return frozenset(content.secrets.keys() - {version.kid for version in ring.versions} - {MARKER_NAME})


def _is_held(wanted: KeyMaterial, held: KeyMaterial | None) -> bool:
    return held is not None and held.same_as(wanted)
