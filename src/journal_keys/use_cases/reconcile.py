"""Finish whatever anybody left unfinished: every crash, kill and lost answer ends here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from journal_keys.domain import material, rotation
from journal_keys.domain.errors import MaterialCorruptError, PortError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion
from journal_keys.domain.outcomes import NotInitialised, Reconciled, ReconcileOutcome, Retired, Rotated
from journal_keys.domain.paths import MARKER_NAME, compromised_folder, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.clock_keeper import ClockKeeper
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.ledger import LedgerBehindError, StaleGenerationError
from journal_keys.ports.secret_store import FolderContent
from journal_keys.use_cases.compromise_key import EntombKey
from journal_keys.use_cases.read_material import checked_record
from journal_keys.use_cases.retire_keys import RetireKeys
from journal_keys.use_cases.rotate_keys import RotateKeys

ACTOR = "reconcile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Bring one ring to rest: rotations finished, a successor staged, leftovers gone, projections true."""

    rotate: RotateKeys
    retire: RetireKeys
    entomb: EntombKey
    opener: KeyOpener
    clock: ClockKeeper

    async def __call__(self, family: Family) -> ReconcileOutcome:
        """Say what was repaired; nothing in rest. Any number of processes may do it at once.

        Each step is done whatever became of the others; what failed first is raised behind the last.

        Raises:
            SecretHiddenError: the store does not show the ring's marked folder.
            MaterialCorruptError: the store holds other material than the ledger recorded for a key in use.
            LedgerBehindError: the ledger does not know a key that was in use; nothing was changed.
            PortError: store or ledger failed; the next pass goes on.
        """
        await self.clock.keep_clock()
        found = await self._look(family)
        if found is None:
            return NotInitialised(family=family)
        content = await self.rotate.read_material(family)
        await self._refuse_old_ledger(found[0], content)
        repairs: list[str] = []
        failure: PortError | MaterialCorruptError | None = None
        for step in (
            partial(self._withdraw, found, content),
            partial(self._finish_rotation, family),
            partial(self._sweep, family, content),
            partial(self._entomb, family, content),
            partial(self._retire, family),
            partial(self._project, family),
            partial(self._stage, family),
        ):
            try:
                repairs += await step()
            except (PortError, MaterialCorruptError) as failed:
                failure = failure or failed
        if failure is not None:
            raise failure
        return Reconciled(family=family, repairs=tuple(repairs))

    async def _look(self, family: Family) -> tuple[KeyRing, Cause] | None:
        page = await self.rotate.ledger.read(family)
        if page.ring is None:
            return None
        return page.ring, Cause(at=page.now, actor=ACTOR, reason="unfinished work")

    async def _ring(self, family: Family) -> tuple[KeyRing, Cause]:
        found = await self._look(family)
        if found is None:
            raise StaleGenerationError(f"ring {family} went away during the pass")
        return found

    async def _refuse_old_ledger(self, ring: KeyRing, content: FolderContent) -> None:
        """A ledger restored from an older copy would have us sweep keys that it once published."""
        if not await self.rotate.project.shown(ring, content):
            return
        newest, _ = await self._ring(ring.family)  # others may have published since we looked
        behind = await self.rotate.project.shown(newest, content)
        if behind:
            raise LedgerBehindError(ring.family, behind)

    async def _withdraw(self, found: tuple[KeyRing, Cause], content: FolderContent) -> list[str]:
        """End a staged key whose material is gone or altered, in two reads: it never signed nor encrypted anything."""
        ring, cause = found
        staged = ring.staged
        if staged is None or _is_whole(content, staged):
            return []
        if _is_whole(await self.rotate.read_material(ring.family), staged):
            return []  # one bad answer is no proof
        cause = replace(cause, reason="its material is gone or altered")
        try:
            await self.rotate.ledger.commit(lambda at: rotation.retire(ring, (staged,), cause.when(at)))
        except StaleGenerationError:
            return []
        return [f"withdrew {staged.kid}"]

    async def _finish_rotation(self, family: Family) -> list[str]:
        page = await self.rotate.ledger.read(family)
        if not page.waiting:
            return []
        outcome = await self.rotate(family, page.waiting[0].request)
        return [f"promoted {outcome.new_kid}"] if isinstance(outcome, Rotated) else []

    async def _stage(self, family: Family) -> list[str]:
        ring, cause = await self._ring(family)
        if ring.staged is not None:
            return []
        after = await self.rotate.stage(ring, self.rotate.policies[family], cause)
        return [f"staged {after.staged.kid}", *await self._project(family)] if after.staged else []

    async def _sweep(self, family: Family, content: FolderContent) -> list[str]:
        ring, cause = await self._ring(family)
        orphans = [version for name in content.secrets if (version := self._orphan(ring, content, name, cause))]
        if orphans:
            try:
                ring = await self._condemned(ring, orphans, cause)
            except StaleGenerationError:
                return []
        gone = [v.kid for v in ring.in_states(KeyState.DESTROYED) if v.kid in content.secrets]
        for kid in gone:
            await self.retire.store.delete(versions_folder(family).child(kid))
        return [f"swept {kid}" for kid in gone]

    async def _condemned(self, ring: KeyRing, orphans: Sequence[KeyVersion], cause: Cause) -> KeyRing:
        cause = replace(cause, reason="published by nobody")
        change = await self.rotate.ledger.commit(lambda at: rotation.condemn(ring, orphans, cause.when(at)))
        return change.ring

    def _orphan(self, ring: KeyRing, content: FolderContent, name: str, cause: Cause) -> KeyVersion | None:
        """The version that a stored name would be, where no ring row knows it and it is old enough to be forgotten."""
        if name == MARKER_NAME or any(version.kid == name for version in ring.versions):
            return None
        line = content.secrets[name]
        try:
            record = material.decode(line)
            public = self.opener.prove(record)
        except MaterialCorruptError:
            return None  # not ours to delete; the health check counts it
        if record.derived_kid is not None:
            return None  # of a migration that got no further: its owner has it, and runs it again
        too_young = cause.at - record.created_at < self.rotate.windows.publish_to_promote
        if too_young or (record.kid, record.family) != (name, ring.family):
            return None
        return material.unused_version(record, digest=line.digest(), public_jwk=public)

    async def _entomb(self, family: Family, content: FolderContent) -> list[str]:
        ring, _ = await self._ring(family)
        compromised = ring.in_states(KeyState.COMPROMISED)
        if not compromised:
            return []
        stones = (await self.retire.store.read_folder(compromised_folder(family))).require_marked().secrets
        repairs = []
        for version in compromised:
            if version.kid not in stones or (family is Family.JWT and version.kid in content.secrets):
                await self.entomb(version)
                repairs.append(f"entombed {version.kid}")
        return repairs

    async def _retire(self, family: Family) -> list[str]:
        outcome = await self.retire(family, actor=ACTOR, reason="past its last token")
        return [f"retired {kid}" for kid in outcome.kids] if isinstance(outcome, Retired) else []

    async def _project(self, family: Family) -> list[str]:
        ring, _ = await self._ring(family)
        written = await self.rotate.project(ring)
        return [f"projected {written} names"] if written else []


def _is_whole(content: FolderContent, version: KeyVersion) -> bool:
    if version.kid not in content.secrets:
        return False
    try:
        checked_record(content, version)
    except MaterialCorruptError:
        return False
    return True
