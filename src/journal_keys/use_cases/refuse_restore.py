"""Refuse a restore that would overwrite something, or go back behind what the store knows."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain import material
from journal_keys.domain.backup import Backup
from journal_keys.domain.changes import OF_NO_KEY
from journal_keys.domain.errors import DomainError, MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, versions_folder
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.secret_store import FolderContent, SecretStore
from journal_keys.use_cases.project_ring import ProjectRing, unknown_to
from journal_keys.use_cases.trail_facts import facts


class RestoreRefusedError(DomainError):
    """A restore would overwrite something: nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRestore:
    """Looks at ledger and store, and changes nothing."""

    ledger: Ledger
    trail: AuditTrail
    store: SecretStore
    project: ProjectRing

    async def __call__(self, backup: Backup, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Find nothing in the way.

        Raises:
            RestoreRefusedError: the ledger is in use, the store holds other values, or keys that the backup lacks.
            PortError: store or ledger could not be read.
        """
        await self._refuse_used_ledger()
        await self._refuse_younger_store(backup)
        await self._refuse_other_values(values)

    async def _refuse_used_ledger(self) -> None:
        if await self.ledger.heads() or await self._tells_of_keys():
            raise RestoreRefusedError(
                "the ledger holds rings or an audit trail already, and a restore never overwrites: restore into a new"
                " ledger, or use what is there"
            )

    async def _tells_of_keys(self) -> bool:
        """Calls of a service beside an empty ledger do not: the restored one goes on with them."""
        async for fact in facts(self.trail):
            if fact.action not in OF_NO_KEY:
                return True
        return False

    async def behind_markers(self, backup: Backup) -> None:
        """Look for younger keys once more, behind the markers that the restore set: one bad answer is no proof.

        Raises:
            RestoreRefusedError: the store holds keys that the backup lacks; nothing but markers was changed.
            SecretHiddenError: a folder does not show its marker, so absence in it proves nothing.
            SecretStoreError: the store failed.
        """
        await self._refuse_younger_store(backup, is_marked=True)

    async def _refuse_younger_store(self, backup: Backup, *, is_marked: bool = False) -> None:
        """A ledger from before the store's last rotation would refuse tokens that are good."""
        for family, ring in backup.ledger.rings.items():
            content = await self.store.read_folder(versions_folder(family))
            if is_marked:
                content.require_marked()
            younger = await self.project.shown(ring, content) | _imported_since(ring, content)
            if younger:
                raise RestoreRefusedError(
                    f"the store shows {', '.join(sorted(younger))}, which the backup does not know: it is older than"
                    " the store; nothing was changed. Run 'journal-keys recover', which takes every stored key in, or"
                    " restore a younger backup"
                )

    async def _refuse_other_values(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        other = []
        for folder in sorted({path.folder for path in values}):
            held = (await self.store.read_folder(folder)).secrets
            other += [
                str(path)
                for path, value in values.items()
                if path.folder == folder and path.name in held and not held[path.name].same_as(value)
            ]
        if other:
            raise RestoreRefusedError(
                f"the store holds other values at {', '.join(sorted(other))}, and a restore never overwrites: nothing"
                " was changed; delete them first if they are to be restored"
            )


def _imported_since(ring: KeyRing, content: FolderContent) -> frozenset[str]:
    """Keys that a migration brought after the backup, whether or not the guide's names show them."""
    found = set()
    for name in unknown_to(ring, content):
        try:
            found |= {name} if material.decode(content.secrets[name]).derived_kid is not None else set()
        except MaterialCorruptError:
            continue
    return frozenset(found)
