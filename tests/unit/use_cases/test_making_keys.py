"""A key is made, kept and published, or told of by name; lost answers are settled by looking."""

from dataclasses import replace
from datetime import datetime

import pytest

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain import rotation
from journal_keys.domain.changes import RingChange
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, SecretPath, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStoreUnavailableError
from tests.support.contested_ledger import contested_world
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import POLICIES, START, World

J, A = Family.JWT, Family.AES


CAUSE = Cause(at=START, actor="test", reason="test")


async def bare(world: World) -> KeyRing:
    """The ring after its staged key was destroyed."""
    ring = await world.ring(J)
    assert ring.staged is not None
    gone = (ring.staged,)
    cause = Cause(at=START, actor="test", reason="lost")
    return (await world.ledger.commit(lambda at: rotation.retire(ring, gone, cause.when(at)))).ring


async def marked() -> MemorySecretStore:
    store = MemorySecretStore()
    await store.put_new(versions_folder(J).child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
    return store


async def test_a_made_key_is_the_one_that_the_store_holds() -> None:
    world = World(store=await marked())
    version = await world.make_key(POLICIES[J], CAUSE)
    line = (await world.store.read_folder(versions_folder(J))).secrets[version.kid]
    assert (version.family, version.algorithm, version.state) == (J, POLICIES[J].algorithm, KeyState.PRE_ACTIVATION)
    assert (version.digest, version.created_at, version.published_at) == (line.digest(), START, START)
    assert version.public_jwk is not None
    assert version.public_jwk.kid() == version.kid


async def test_a_key_whose_write_had_no_answer_is_settled_by_reading_back() -> None:
    store = await marked()
    kept = World(store=FaultPlan(at=0, kind=FaultKind.ERROR_AFTER).wrap(store))
    assert (await kept.make_key(POLICIES[J], CAUSE)).kid in (await store.read_folder(versions_folder(J))).secrets
    lost = World(store=FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE).wrap(await marked()))
    with pytest.raises(SecretStoreUnavailableError, match="planned: no answer"):
        await lost.make_key(POLICIES[J], CAUSE)


class CrookedStore(MemorySecretStore):
    """Keeps what it wants to keep."""

    kept: KeyMaterial | None = None

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:  # noqa: ARG002 (that is its crime)
        """Keep something else, or nothing."""
        if self.kept is not None:
            await super().put_new(path, self.kept)


@pytest.mark.parametrize(
    ("kept", "error", "said"),
    [
        (None, SecretNotFoundError, " was written and cannot be read back"),
        (KeyMaterial(b"other"), MaterialCorruptError, " reads back with other content than was written"),
    ],
    ids=["nothing", "something else"],
)
async def test_a_key_that_the_store_does_not_give_back_is_named(
    kept: KeyMaterial | None, error: type[Exception], said: str
) -> None:
    store = CrookedStore()
    store.kept = kept
    kid = (await World(store=await marked()).make_key(POLICIES[J], CAUSE)).kid
    with pytest.raises(error) as caught:
        await World(store=store).make_key(POLICIES[J], CAUSE)
    assert str(caught.value) == kid + said


async def test_a_successor_that_a_rival_published_first_is_taken_and_ours_deleted() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    ring = await bare(world)
    theirs = await World(clock=world.clock, store=world.store, seed=5).make_key(POLICIES[J], CAUSE)

    def publish(ring: KeyRing, at: datetime) -> RingChange:
        return rotation.publish(ring, theirs, replace(CAUSE, at=at))

    contest.rivals = [(J, publish)]
    before = set((await world.store.read_folder(versions_folder(J))).secrets)
    after = await world.stage(ring, POLICIES[J], CAUSE)
    assert after.staged is not None
    assert after.staged.kid == theirs.kid
    assert set((await world.store.read_folder(versions_folder(J))).secrets) == before
    assert await world.stage(after, POLICIES[J], CAUSE) is after


async def test_a_successor_whose_publication_had_no_answer_is_looked_for() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    ring = await bare(world)
    contest.answers_lost = 1
    after = await world.stage(ring, POLICIES[J], CAUSE)
    assert (after.generation, after.staged is None) == (ring.generation + 1, False)
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    fresh = await World().initialised(J)
    ring = await bare(fresh)
    beside = World(clock=fresh.clock, store=fresh.store, shared_ledger=plan.wrap(fresh.ledger), seed=3)
    with pytest.raises(LedgerUnavailableError):
        await beside.stage(ring, POLICIES[J], CAUSE)
