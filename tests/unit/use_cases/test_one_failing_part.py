"""Where one part fails, or is somebody else's, the others are done, and who asked is told the truth."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain import base64url, rotation
from journal_keys.domain.changes import RingChange, Transition
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Family, KeyState, KeyVersion
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import Compromised, Reconciled, Recovered, Rotated, Waiting
from journal_keys.domain.paths import SecretPath, family_folder, versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import LedgerBehindError, LedgerUnavailableError, StaleGenerationError
from journal_keys.ports.secret_store import PendingApprovalError, SecretStoreUnavailableError
from journal_keys.use_cases.make_key import MakeKey
from tests.support.passing_ledger import PassingLedger
from tests.support.projected import mapped_kids, projected_kids
from tests.support.silent_names import SilentOnNames
from tests.support.world import POLICIES, W1, World, request

J, A = Family.JWT, Family.AES
FAMILIES = pytest.mark.parametrize("family", list(Family))


class TakesNoKeys(MemorySecretStore):
    """A person has to approve every new key, and does not."""

    approves = True

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        if not self.approves and path.folder.name == "versions":
            raise PendingApprovalError("a person has to approve it")
        await super().put_new(path, value)


async def shown(world: World, family: Family) -> set[str]:
    """Every kid that the guide's names show."""
    held = (await world.store.read_folder(family_folder(family))).secrets
    return {*projected_kids(held).values(), *(mapped_kids(held) if family is A else ())}


@FAMILIES
async def test_a_compromised_key_leaves_the_names_though_no_new_key_can_be_staged(family: Family) -> None:
    store = TakesNoKeys()
    world = await World(store=store).initialised(family)
    leaked = (await world.ring(family)).active.kid
    store.approves = False
    outcome = await world.compromise(family, leaked, actor="test", reason="leaked")
    assert isinstance(outcome, Compromised)
    assert outcome.unfinished == "a person has to approve it"
    assert await shown(world, family) == {outcome.active_kid}


@FAMILIES
async def test_a_pass_does_everything_else_before_it_says_that_no_key_could_be_staged(family: Family) -> None:
    store = TakesNoKeys()
    world = await World(store=store).initialised(family)
    store.approves = False
    outcome = await world.rotated(family)
    assert isinstance(outcome, Rotated)
    assert outcome.unfinished == "a person has to approve it"
    assert outcome.old_kid in await shown(world, family)
    with pytest.raises(PendingApprovalError):
        await world.reconciled(family)
    held = (await store.read_folder(family_folder(family))).secrets
    assert set(projected_kids(held).values()) == {outcome.new_kid}
    store.approves = True
    reconciled = await world.reconciled(family)
    assert isinstance(reconciled, Reconciled)
    staged = (await world.ring(family)).staged
    assert staged is not None
    assert reconciled.repairs[0] == f"staged {staged.kid}"
    assert staged.kid in await shown(world, family)
    assert await world.reconciled(family) == Reconciled(family=family, repairs=())


@FAMILIES
async def test_a_successor_is_staged_though_the_names_cannot_be_written(family: Family) -> None:
    store = SilentOnNames()
    world = await World(store=store).initialised(family)
    store.is_silent = True
    leaked = (await world.ring(family)).active.kid
    outcome = await world.compromise(family, leaked, actor="test", reason="leaked")
    assert isinstance(outcome, Compromised)
    assert outcome.unfinished == "names cannot be written"
    first = (await world.ring(family)).staged
    assert first is not None
    await store.delete(versions_folder(family).child(first.kid))
    with pytest.raises(SecretStoreUnavailableError, match="names cannot be written"):
        await world.reconciled(family)
    second = (await world.ring(family)).staged
    assert second is not None
    assert second.kid != first.kid


async def behind(family: Family) -> tuple[World, str]:
    """A world whose ledger does not know what was made after a copy of it, and a key that it knows and has staged."""
    world = await World().initialised(family)
    old = World(clock=world.clock, store=world.store, seed=2)
    ring = await world.ring(family)
    await old.ledger.commit(lambda _: RingChange(ring=ring, facts=(), founding=True))
    for rotation_id in ("first", "second"):
        await world.rotated(family, rotation_id)
        world.clock.pass_time(W1)
    return old, ring.active.kid


@FAMILIES
async def test_what_an_old_ledger_did_is_told_as_unfinished_where_the_names_show_newer_keys(family: Family) -> None:
    world, known = await behind(family)
    before = await shown(world, family)
    compromised = await world.compromise(family, (await world.ring(family)).active.kid, actor="test", reason="leaked")
    assert isinstance(compromised, Compromised)
    assert known == compromised.kid
    assert "is older than the store" in str(compromised.unfinished)
    assert await shown(world, family) == before
    with pytest.raises(LedgerBehindError):
        await world.reconciled(family)


def cut(line: bytes, _: bytes) -> bytes:
    return line[:-9]


def another_key(_: bytes, other: bytes) -> bytes:
    return other


def altered(line: bytes, _: bytes) -> bytes:
    """Still the form of a key, with another key in it."""
    before, name, key = base64url.decode(line.decode()).partition(b'"key":"')
    assert key
    return base64url.encode(before + name + (b"B" if key.startswith(b"A") else b"A") + key[1:]).encode()


@pytest.mark.parametrize("damage", [cut, altered, another_key])
async def test_a_key_that_cannot_be_read_any_more_keeps_its_last_copy_and_makes_no_rebuilt_ledger_an_old_one(
    damage: Callable[[bytes, bytes], bytes],
) -> None:
    world = await World().initialised(A)
    damaged = (await world.ring(A)).active.kid
    await world.rotated(A)
    path = versions_folder(A).child(damaged)
    lines = (await world.store.read_folder(path.folder)).secrets
    other = lines[(await world.ring(A)).active.kid]
    await world.store.overwrite({path: KeyMaterial(damage(expose(lines[damaged]), expose(other)))})
    rebuilt = World(clock=world.clock, store=world.store, seed=2)
    outcome = await rebuilt.recover(A, actor="test", reason="the ledger is lost")
    assert isinstance(outcome, Recovered)
    assert (outcome.unusable, outcome.unfinished) == ((damaged,), None)
    assert isinstance(await rebuilt.reconciled(A), Reconciled)
    rebuilt.clock.pass_time(W1)
    assert isinstance(await rebuilt.rotated(A, "later"), Rotated)
    assert isinstance(await rebuilt.reconciled(A), Reconciled)
    held = (await rebuilt.store.read_folder(family_folder(A))).secrets
    ring = await rebuilt.ring(A)
    assert mapped_kids(held) == {damaged, *(version.kid for version in ring.accepted)}
    assert expose(held["active_kid"]).decode() == ring.active.kid
    assert damaged in (await rebuilt.store.read_folder(versions_folder(A))).secrets


@dataclass(kw_only=True)
class FullLedger(PassingLedger):
    """Takes no change while it is full, and says why."""

    commits: int = 0

    async def commit(self, _transition: Transition) -> RingChange:
        self.commits += 1
        raise LedgerUnavailableError("the ledger cannot grow: free space on its disk")


@FAMILIES
async def test_a_rotation_that_waited_is_told_why_the_ledger_takes_no_change(family: Family) -> None:
    world = await World().initialised(family)
    await world.rotated(family, "first")
    assert isinstance(await world.rotated(family, "second"), Waiting)
    world.clock.pass_time(W1)
    full = FullLedger(ledger=world.ledger)
    with pytest.raises(LedgerUnavailableError, match="free space on its disk"):
        await replace(world.rotate, ledger=full)(family, request("second", family))
    assert full.commits == 1


@dataclass(kw_only=True)
class Interrupted:
    """Makes a key, and has somebody else change the ring before it is published."""

    make_key: MakeKey
    meanwhile: Callable[[], Awaitable[object]]
    made: list[KeyVersion]

    async def __call__(self, policy: RotationPolicy, cause: Cause) -> KeyVersion:
        self.made.append(await self.make_key(policy, cause))
        await self.meanwhile()
        return self.made[-1]


@FAMILIES
async def test_a_successor_is_published_though_somebody_changed_the_ring_meanwhile(family: Family) -> None:
    world = await World().initialised(family)

    async def change() -> None:
        ring = await world.ring(family)
        await world.ledger.commit(lambda at: rotation.condemn(ring, (), Cause(at=at, actor="other", reason="other")))

    made: list[KeyVersion] = []
    stage = replace(world.stage, make_key=Interrupted(make_key=world.make_key, meanwhile=change, made=made))  # type: ignore[arg-type]
    outcome = await replace(world.rotate, stage=stage)(family, request("r", family))
    assert isinstance(outcome, Rotated)
    ring = await world.ring(family)
    assert ring.staged is not None
    assert [version.kid for version in made] == [ring.staged.kid]
    assert ring.staged.kid in await shown(world, family)


@dataclass(kw_only=True)
class ToldAsStale(PassingLedger):
    """Makes the next change and says that somebody else was first."""

    is_wrong: bool = True

    async def commit(self, transition: Transition) -> RingChange:
        change = await self.ledger.commit(transition)
        if self.is_wrong:
            self.is_wrong = False
            raise StaleGenerationError("somebody else was first")
        return change


@FAMILIES
async def test_a_successor_that_was_published_is_not_deleted_though_the_ledger_said_otherwise(family: Family) -> None:
    world = await World().initialised(family)
    ring = await world.ring(family)
    bare = (await world.ledger.commit(lambda at: rotation.promote(ring, Cause(at=at, actor="t", reason="t"), ()))).ring
    stage = replace(world.stage, ledger=ToldAsStale(ledger=world.ledger))
    staged = (await stage(bare, POLICIES[family], Cause(at=bare.changed_at, actor="t", reason="t"))).staged
    assert staged is not None
    assert staged.kid in (await world.store.read_folder(versions_folder(family))).secrets


@FAMILIES
async def test_a_successor_that_somebody_condemned_before_it_was_published_is_deleted(family: Family) -> None:
    world = await World().initialised(family)
    made: list[KeyVersion] = []

    async def condemn() -> None:
        ring = await world.ring(family)
        await world.ledger.commit(lambda at: rotation.condemn(ring, made, Cause(at=at, actor="other", reason="other")))

    stage = replace(world.stage, make_key=Interrupted(make_key=world.make_key, meanwhile=condemn, made=made))  # type: ignore[arg-type]
    assert isinstance(await replace(world.rotate, stage=stage)(family, request("r", family)), Rotated)
    ring = await world.ring(family)
    assert (ring.staged, ring.get(made[0].kid).state) == (None, KeyState.DESTROYED)
    assert made[0].kid not in (await world.store.read_folder(versions_folder(family))).secrets
    await world.reconciled(family)
    assert (await world.ring(family)).staged is not None


@FAMILIES
async def test_of_two_successors_the_one_that_was_published_first_stays_and_the_other_is_deleted(
    family: Family,
) -> None:
    world = await World().initialised(family)
    other = World(clock=world.clock, store=world.store, shared_ledger=world.ledger, seed=2)
    made: list[KeyVersion] = []
    stage = replace(
        world.stage,
        make_key=Interrupted(make_key=world.make_key, meanwhile=lambda: other.reconciled(family), made=made),  # type: ignore[arg-type]
    )
    assert isinstance(await replace(world.rotate, stage=stage)(family, request("r", family)), Rotated)
    ring = await world.ring(family)
    assert ring.staged is not None
    assert ring.staged.kid != made[0].kid
    assert ring.find(made[0].kid) is None
    assert made[0].kid not in (await world.store.read_folder(versions_folder(family))).secrets
    assert {version.kid for version in ring.in_states(KeyState.PRE_ACTIVATION)} == {ring.staged.kid}
