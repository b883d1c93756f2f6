"""Wrong designs that an enumeration of crashes must find."""

from dataclasses import replace

from journal_keys.domain import material, rotation
from journal_keys.domain.changes import RotationRecord, RotationRequest
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.outcomes import RetireOutcome, Rotated
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import LedgerPage
from journal_keys.ports.secret_store import FolderContent
from journal_keys.use_cases.make_key import MakeKey
from journal_keys.use_cases.reconcile import Reconcile
from journal_keys.use_cases.retire_keys import RetireKeys
from journal_keys.use_cases.rotate_keys import RotateKeys
from journal_keys.use_cases.stage_successor import StageSuccessor
from tests.support.designs import as_kind, use_retire, use_rotate, use_stage
from tests.support.world import World


class _PublishesFirst(StageSuccessor):
    async def __call__(self, ring: KeyRing, policy: RotationPolicy, cause: Cause) -> KeyRing:
        if ring.staged is not None:
            return ring
        new = self.make_key.generator.generate(policy.family, policy.algorithm, cause.at)
        line = material.encode(new.record)
        version = material.unused_version(new.record, digest=line.digest(), public_jwk=new.public_jwk)
        change = await self.ledger.commit(lambda at: rotation.publish(ring, version, cause.when(at)))
        await self.store.put_new(versions_folder(ring.family).child(version.kid), line)
        return change.ring


def publishes_before_it_stores(world: World) -> None:
    """A key is in the ledger before its material is in the store."""
    use_stage(world, as_kind(_PublishesFirst, world.stage))


class _NeverReadsBack(MakeKey):
    async def __call__(self, policy: RotationPolicy, cause: Cause) -> KeyVersion:
        new = self.generator.generate(policy.family, policy.algorithm, cause.at)
        line = material.encode(new.record)
        await self._put(new.record, line)
        return material.unused_version(new.record, digest=line.digest(), public_jwk=new.public_jwk)


def publishes_before_it_reads_back(world: World) -> None:
    """A write whose outcome is unknown is taken for done."""
    use_stage(world, replace(world.stage, make_key=as_kind(_NeverReadsBack, world.make_key)))


class _NeverSweeps(Reconcile):
    async def _sweep(self, family: Family, content: FolderContent) -> list[str]:  # noqa: ARG002 (it does nothing)
        return []


def never_sweeps(world: World) -> None:
    """Material that nobody published stays for ever."""
    world.reconcile = as_kind(_NeverSweeps, world.reconcile)


class _ProjectsFirst(RotateKeys):
    async def _promote(self, page: LedgerPage, ring: KeyRing, request: RotationRequest, staged: KeyVersion) -> Rotated:
        cause = Cause(at=page.now, actor=request.actor, reason=request.reason)
        await self.project(rotation.promote(ring, cause).ring)
        return await super()._promote(page, ring, request, staged)


def projects_before_it_commits(world: World) -> None:
    """The guide's names tell of a promotion that may never be."""
    use_rotate(world, as_kind(_ProjectsFirst, world.rotate))


class _Forgets(RotateKeys):
    async def _recorded(self, family: Family, request: RotationRequest) -> RotationRecord | None:  # noqa: ARG002
        return None


def forgets_rotation_ids(world: World) -> None:
    """The same rotation id, asked again, rotates again."""
    use_rotate(world, as_kind(_Forgets, world.rotate))


class _DeletesFirst(RetireKeys):
    async def __call__(
        self, family: Family, *, actor: str, reason: str, unused: frozenset[Kid] = frozenset()
    ) -> RetireOutcome:
        page = await self.ledger.read(family)
        assert page.ring is not None
        await self._delete(family, rotation.retirable(page.ring, self.windows, now=page.now, unused=unused))
        return await super().__call__(family, actor=actor, reason=reason, unused=unused)


def deletes_before_it_records(world: World) -> None:
    """The material of a key goes while the ledger still accepts it."""
    use_retire(world, as_kind(_DeletesFirst, world.retire))
