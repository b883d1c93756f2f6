"""Say what a restore cannot give back: keys that were compromised, and keys whose material is nowhere."""

from dataclasses import dataclass

from journal_keys.domain.backup import Backup
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.paths import compromised_folder
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.make_views import is_shared, needed
from journal_keys.use_cases.read_material import ReadMaterial


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What a restore cannot give back: keys of which tombstones tell, and those whose material is nowhere."""

    buried: frozenset[Kid]
    at_hand: frozenset[tuple[Family, Kid]]

    def of(self, ring: KeyRing) -> frozenset[Kid]:
        """The keys whose material is needed and nowhere: those that sign or encrypt, and shared secrets."""
        in_use = (ring.active, ring.staged)
        return frozenset(
            one.kid
            for one in needed(ring)
            if (one in in_use or is_shared(one)) and (ring.family, one.kid) not in self.at_hand
        )

    def is_usable(self, version: KeyVersion) -> bool:
        """Whether this key can go on."""
        return version.kid not in self.buried and (version.family, version.kid) in self.at_hand


@dataclass(frozen=True, slots=True, kw_only=True)
class FindLosses:
    """Looks into the store, behind the markers that the restore set."""

    store: SecretStore
    read_material: ReadMaterial

    async def __call__(self, backup: Backup) -> Losses:
        """Give them.

        Raises:
            SecretHiddenError: a folder does not show its marker, so absence in it proves nothing.
            SecretStoreError: the store failed.
        """
        return Losses(buried=await self.buried(backup, is_marked=True), at_hand=await self._at_hand(backup))

    async def buried(self, backup: Backup, *, is_marked: bool = False) -> frozenset[Kid]:
        """The kids of which a tombstone in the store tells that they were compromised.

        Where the folders were marked before, an answer without the marker is no answer.
        """
        found: set[Kid] = set()
        for family, ring in backup.ledger.rings.items():
            content = await self.store.read_folder(compromised_folder(family))
            stones = (content.require_marked() if is_marked else content).secrets
            found |= {version.kid for version in ring.versions if version.kid in stones}
        return frozenset(found)

    async def _at_hand(self, backup: Backup) -> frozenset[tuple[Family, Kid]]:
        """The keys whose material is in the backup, or in the store as the ledger in the backup knows it."""
        found = set()
        for family, ring in backup.ledger.rings.items():
            stored = (await self.read_material(family)).secrets
            for version in ring.versions:
                line = backup.line(family, version.kid) or stored.get(version.kid)
                if line is not None and line.digest() == version.digest:
                    found.add((family, version.kid))
        return frozenset(found)
