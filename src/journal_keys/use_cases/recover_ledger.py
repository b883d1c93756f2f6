"""Rebuild a lost ledger from the store's self-describing material."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from journal_keys.domain import material, rotation
from journal_keys.domain.changes import RingChange, Transition
from journal_keys.domain.errors import MaterialCorruptError, PortError, UnknownKeyError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.outcomes import AlreadyInitialised, NothingToRecover, Recovered, RecoverOutcome
from journal_keys.domain.paths import MARKER_NAME, compromised_folder
from journal_keys.domain.projections import Shown
from journal_keys.domain.rotation import Cause
from journal_keys.domain.windows import Windows
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.ledger import Ledger, LedgerPage, LedgerUnavailableError
from journal_keys.ports.secret_store import FolderContent, SecretStore
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.read_material import ReadMaterial


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverLedger:
    """Make a ring out of the material that the store holds, where the ledger positively has none."""

    ledger: Ledger
    store: SecretStore
    read_material: ReadMaterial
    opener: KeyOpener
    project: ProjectRing
    windows: Windows

    async def __call__(self, family: Family, *, actor: str, reason: str, active: Kid | None = None) -> RecoverOutcome:
        """Give the rebuilt ring.

        ACTIVE becomes `active`, or else the key that the guide's names show as the current one, their next one staying
        staged. Where they show none that is usable, age decides: the newest that every reader had time to learn becomes
        ACTIVE, the newest of all is staged. Every other key goes on verifying and decrypting, also material that nobody
        ever published. A key with a tombstone stays COMPROMISED.

        Raises:
            UnknownKeyError: `active` is not among the usable keys.
            SecretHiddenError: the store does not show the ring's marked folder, or, unless `active` is given, that of
                the names.
            PortError: store or ledger failed; nothing was changed. A projection that failed is told in
                `Recovered.unfinished`, and `reconcile` writes it.
        """
        page = await self.ledger.read(family)
        if page.ring is not None:
            ring = page.ring
            return AlreadyInitialised(family=family, active_kid=ring.active.kid, generation=ring.generation)
        content = await self.read_material(family)
        versions = await self._versions(page, content)
        usable = {kid: one for kid, one in versions.items() if one.is_accepted and not one.is_read_only}
        unusable = tuple(sorted(content.secrets.keys() - versions.keys() - {MARKER_NAME}))
        if not usable:
            return NothingToRecover(family=family)
        shown = await self._shown(family, content, usable, active)
        chosen = self._choose(page, usable, shown)
        cause = Cause(at=page.now, actor=actor, reason=reason)
        generation = _generation_above_all(page)

        def transition(at: datetime) -> RingChange:
            return rotation.recover(versions, chosen, shown.following, cause.when(at), generation=generation)

        ring = await self._founded(family, transition)
        return Recovered(
            family=family,
            active_kid=chosen,
            kids=tuple(version.kid for version in ring.versions),
            unusable=unusable,
            generation=ring.generation,
            unfinished=await self._projected(ring),
        )

    async def _founded(self, family: Family, transition: Transition) -> KeyRing:
        """Give the founded ring; a lost answer is settled by reading back."""
        try:
            return (await self.ledger.commit(transition)).ring
        except LedgerUnavailableError:
            ring = (await self.ledger.read(family)).ring
            if ring is None:
                raise
            return ring

    async def _projected(self, ring: KeyRing) -> str | None:
        try:
            await self.project(ring)
        except (PortError, MaterialCorruptError) as failure:
            return str(failure)
        return None

    async def _versions(self, page: LedgerPage, content: FolderContent) -> dict[Kid, KeyVersion]:
        family = Family(content.folder.segments[1])
        stones = (await self.store.read_folder(compromised_folder(family))).require_marked().secrets
        found = {}
        for name in content.secrets:
            version = self._version(content, name, page)
            if version is not None:
                buried = version.kid in stones
                found[version.kid] = version.moved_to(KeyState.COMPROMISED, page.now) if buried else version
        return found

    def _version(self, content: FolderContent, name: str, page: LedgerPage) -> KeyVersion | None:
        line = content.secrets[name]
        try:
            record = material.decode(line)
            public = self.opener.prove(record)
        except MaterialCorruptError:
            return None
        if record.kid != name or record.family != content.folder.segments[1]:
            return None
        version = material.unused_version(record, digest=line.digest(), public_jwk=public)
        made_at = min(record.created_at, page.now)
        return replace(version, created_at=made_at, published_at=made_at)

    async def _shown(
        self, family: Family, content: FolderContent, usable: Mapping[Kid, KeyVersion], active: Kid | None
    ) -> Shown:
        """What the names show of the usable keys, or else the operator."""
        if active is None:
            return (await self.project.shown_of(family, content)).among(usable)
        if active not in usable:
            raise UnknownKeyError(f"{active} is not among the {len(usable)} keys that can be recovered")
        return Shown(current=active, following=None, published=frozenset({active}))

    def _choose(self, page: LedgerPage, usable: Mapping[Kid, KeyVersion], shown: Shown) -> Kid:
        if shown.current is not None:
            return shown.current
        published = [version for version in usable.values() if version.kid in shown.published]
        by_age = sorted(published or usable.values(), key=rotation.age_for_use)
        older = by_age[:-1] or by_age
        learned = [v for v in older if v.created_at + self.windows.publish_to_promote <= page.now]
        return (learned or older)[-1].kid


def _generation_above_all(page: LedgerPage) -> int:
    """Unix seconds: above any count of changes, so that no instance mistakes the new ring for one it holds."""
    return int(page.now.timestamp())
