"""Make the first keys. Only this verb does, and only where the ledger positively has no such ring."""

from dataclasses import dataclass

from journal_keys.domain import rotation
from journal_keys.domain.errors import DomainError, JournalKeysError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import AlreadyInitialised, Initialised, InitOutcome
from journal_keys.domain.paths import (
    MARKER_NAME,
    MARKER_VALUE,
    PROJECTION_NAMES,
    SecretPath,
    family_folder,
    known_folders,
    owned_folders,
    versions_folder,
)
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import Ledger, LedgerUnavailableError, StaleGenerationError
from journal_keys.ports.secret_store import SecretStore, WriteOnceConflictError
from journal_keys.use_cases.make_key import MakeKey
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.read_material import ReadMaterial


class LedgerMissingError(DomainError):
    """The store holds keys that the ledger does not know: the ledger was lost, or it is another one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitRings:
    """Make one ring with an ACTIVE and a staged key, mark its folders, write its projections."""

    ledger: Ledger
    store: SecretStore
    make_key: MakeKey
    read_material: ReadMaterial
    project: ProjectRing

    async def __call__(self, policy: RotationPolicy, *, actor: str, reason: str) -> InitOutcome:
        """Make the ring, or say that it is there; of several callers at once one makes it.

        Raises:
            LedgerMissingError: the store holds keys of this family, the ledger has no ring: recover instead.
            WriteOnceConflictError: the names that the guide promises hold what no ring wrote; it stays as it is.
            SecretHiddenError: the store does not show a folder that the ring marked, or that this call did.
            PortError: store or ledger did not do it; `init` again goes on, and `reconcile` where the ring is there.
        """
        page = await self.ledger.read(policy.family)
        if page.ring is None and await holds_keys_of_a_ring(self.store, policy.family):
            page = await self.ledger.read(policy.family)  # somebody else may have founded it meanwhile
            if page.ring is None:
                raise lost_ledger(policy.family)
        if page.ring is not None:
            return await self._already(page.ring)
        cause = Cause(at=page.now, actor=actor, reason=reason)
        await self._mark(policy.family)
        refusal = await self._refusal(policy.family)
        if refusal is not None:
            founded = (await self.ledger.read(policy.family)).ring
            if founded is None:
                raise refusal
            return await self._already(founded)
        active, staged = await self.make_key(policy, cause), await self.make_key(policy, cause)
        try:
            ring = (await self.ledger.commit(lambda at: rotation.found(active, staged, cause.when(at)))).ring
        except (StaleGenerationError, LedgerUnavailableError) as failure:
            found = (await self.ledger.read(policy.family)).ring
            if found is None:
                raise
            if found.find(active.kid) is None:
                if isinstance(failure, StaleGenerationError):
                    await self._discard(policy.family, active.kid, staged.kid)
                return await self._already(found)
            ring = found
        await self.project(ring)
        return Initialised(
            family=policy.family, active_kid=active.kid, staged_kid=staged.kid, generation=ring.generation
        )

    async def _already(self, ring: KeyRing) -> AlreadyInitialised:
        await self.read_material(ring.family)
        return AlreadyInitialised(family=ring.family, active_kid=ring.active.kid, generation=ring.generation)

    async def _refusal(self, family: Family) -> JournalKeysError | None:
        """What is in the way, seen behind the markers: one bad answer before them is no proof.

        Names are written last, so without a ring they are somebody else's keys, perhaps the only copy.
        """
        if await holds_keys_of_a_ring(self.store, family, is_marked=True):
            return lost_ledger(family)
        folder = family_folder(family)
        held = await _names(self.store, folder, is_marked=True)
        taken = [name for name in PROJECTION_NAMES[family.value] if name in held]
        if not taken:
            return None
        return WriteOnceConflictError(
            f"{folder} already holds {', '.join(taken)}, which no ring wrote: no key was made; put these keys into"
            " the environment and take them in with 'journal-keys migration migrate', or move them away if nothing uses"
            " them"
        )

    async def _mark(self, family: Family) -> None:
        for folder in (*owned_folders(family), *known_folders()):
            await self.store.put_new(folder.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))

    async def _discard(self, family: Family, *kids: str) -> None:
        for kid in kids:
            await self.store.delete(versions_folder(family).child(kid))


async def holds_keys_of_a_ring(store: SecretStore, family: Family, *, is_marked: bool = False) -> bool:
    """Whether the store holds keys and projections: without these an `init` died before its ring was founded.

    Where the folders were marked before, an answer without the marker is no answer.

    Raises:
        SecretStoreError: no believable answer.
    """
    if not await _names(store, versions_folder(family), is_marked=is_marked):
        return False
    return not (await _names(store, family_folder(family), is_marked=is_marked)).isdisjoint(PROJECTION_NAMES[family])


async def _names(store: SecretStore, folder: SecretPath, *, is_marked: bool) -> set[str]:
    content = await store.read_folder(folder)
    if is_marked:
        content.require_marked()
    return content.secrets.keys() - {MARKER_NAME}


def lost_ledger(family: Family) -> LedgerMissingError:
    """Say what is lost, and the way out."""
    return LedgerMissingError(
        f"the store holds {family} keys and the ledger has no {family} ring: run 'journal-keys recover' to rebuild"
        " the ledger from them, or restore the ledger"
    )
