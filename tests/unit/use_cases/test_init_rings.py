"""First keys come from `init` only, once, and never out of an unreadable answer."""

import asyncio

import pytest

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import AlreadyInitialised, Initialised
from journal_keys.domain.paths import (
    MARKER_NAME,
    MARKER_VALUE,
    PROJECTION_NAMES,
    SecretPath,
    family_folder,
    owned_folders,
    versions_folder,
)
from journal_keys.domain.rotation import Cause
from journal_keys.ports.secret_store import SecretHiddenError, SecretStoreUnavailableError, WriteOnceConflictError
from journal_keys.use_cases.init_rings import LedgerMissingError
from tests.support.hiding import Hiding
from tests.support.projected import projected_kids
from tests.support.silent_names import SilentOnNames
from tests.support.world import POLICIES, World


class LateFounder(MemorySecretStore):
    """Somebody else founds the ring once the first folder is marked."""

    rival: World | None = None

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        """Let the rival go first."""
        await super().put_new(path, value)
        rival, self.rival = self.rival, None
        if rival is not None:
            await rival.init(POLICIES[Family.AES], actor="rival", reason="faster")


@pytest.mark.parametrize("family", list(Family))
async def test_init_makes_one_active_and_one_staged_key_whose_material_is_in_the_store(family: Family) -> None:
    world = World()
    outcome = await world.init(POLICIES[family], actor="test", reason="first keys")
    ring = await world.ring(family)
    assert ring.staged is not None
    assert outcome == Initialised(family=family, active_kid=ring.active.kid, staged_kid=ring.staged.kid, generation=1)
    stored = await world.store.read_folder(versions_folder(family))
    assert set(stored.secrets) == {ring.active.kid, ring.staged.kid, MARKER_NAME}


async def test_init_marks_every_folder_that_the_ring_owns() -> None:
    world = await World().initialised(Family.AES)
    for folder in owned_folders("aes"):
        assert (await world.store.read_folder(folder)).is_marked


@pytest.mark.parametrize("family", list(Family))
async def test_init_on_an_existing_ring_changes_nothing_and_says_so(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    outcome = await world.init(POLICIES[family], actor="test", reason="again")
    assert outcome == AlreadyInitialised(family=family, active_kid=before.active.kid, generation=1)
    assert await world.ring(family) == before


async def test_of_many_inits_at_once_one_makes_the_ring_and_the_others_get_it() -> None:
    world = World()
    workers = [World(clock=world.clock, store=world.store, shared_ledger=world.ledger, seed=n) for n in range(20)]
    outcomes = await asyncio.gather(
        *(worker.init(POLICIES[Family.AES], actor="test", reason="race") for worker in workers)
    )
    ring = await world.ring(Family.AES)
    assert sum(isinstance(outcome, Initialised) for outcome in outcomes) == 1
    assert {outcome.active_kid for outcome in outcomes} == {ring.active.kid}
    assert len(ring.versions) == 2


async def test_keys_in_the_store_and_none_in_the_ledger_refuse_init_and_name_recover() -> None:
    lost = await World().initialised(Family.JWT)
    held = set((await lost.store.read_folder(versions_folder("jwt"))).secrets)
    fresh = World(store=lost.store, seed=2)
    with pytest.raises(LedgerMissingError, match="journal-keys recover"):
        await fresh.init(POLICIES[Family.JWT], actor="test", reason="ledger lost")
    assert set((await lost.store.read_folder(versions_folder("jwt"))).secrets) == held
    assert (await fresh.ledger.read(Family.JWT)).ring is None


@pytest.mark.parametrize("folder", [versions_folder("jwt"), family_folder("jwt")], ids=str)
async def test_one_hidden_answer_founds_no_ring_over_the_keys_of_a_lost_ledger(folder: SecretPath) -> None:
    lost = await World().initialised(Family.JWT)
    held = (await lost.store.read_folder(versions_folder("jwt"))).secrets
    fresh = World(store=Hiding(lost.store, folder, 1), seed=2)
    with pytest.raises(LedgerMissingError, match="journal-keys recover"):
        await fresh.init(POLICIES[Family.JWT], actor="test", reason="ledger lost")
    assert (await lost.store.read_folder(versions_folder("jwt"))).secrets == held
    assert (await fresh.ledger.read(Family.JWT)).ring is None


async def test_a_folder_that_never_shows_its_marker_gets_no_ring() -> None:
    world = World(store=Hiding(MemorySecretStore(), versions_folder("jwt"), 2))
    with pytest.raises(SecretHiddenError, match="_journal_keys"):
        await world.init(POLICIES[Family.JWT], actor="test", reason="first keys")
    assert isinstance(await world.init(POLICIES[Family.JWT], actor="test", reason="again"), Initialised)


async def test_a_ring_that_is_founded_while_folders_are_marked_is_the_one_that_there_is() -> None:
    store = LateFounder()
    world = World(store=store)
    store.rival = World(clock=world.clock, store=store, shared_ledger=world.ledger, seed=2)
    outcome = await world.init(POLICIES[Family.AES], actor="test", reason="first keys")
    ring = await world.ring(Family.AES)
    assert outcome == AlreadyInitialised(family=Family.AES, active_kid=ring.active.kid, generation=1)
    assert len((await store.read_folder(versions_folder("aes"))).secrets) == len({MARKER_NAME}) + len(ring.versions)


async def test_a_ring_in_the_ledger_and_a_store_that_shows_nothing_is_hidden_not_empty() -> None:
    world = await World().initialised(Family.JWT)
    for name in (await world.store.read_folder(versions_folder("jwt"))).secrets:
        await world.store.delete(versions_folder("jwt").child(name))
    with pytest.raises(SecretHiddenError, match="_journal_keys"):
        await world.init(POLICIES[Family.JWT], actor="test", reason="store lost")


async def test_an_init_that_died_before_founding_its_ring_is_done_again() -> None:
    dead = World()
    await dead.store.put_new(versions_folder("aes").child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
    await dead.make_key(POLICIES[Family.AES], _cause(dead))
    again = World(clock=dead.clock, store=dead.store, seed=2)
    outcome = await again.init(POLICIES[Family.AES], actor="test", reason="after a crash")
    assert isinstance(outcome, Initialised)


async def test_the_projections_hold_the_keys_that_the_ring_names() -> None:
    world = await World().initialised()
    jwt = (await world.store.read_folder(family_folder("jwt"))).secrets
    assert set(jwt) == {
        MARKER_NAME, "current_private_key", "next_private_key", "current_public_key", "next_public_key",
    }  # fmt: skip
    aes = (await world.store.read_folder(family_folder("aes"))).secrets
    assert set(aes) == {MARKER_NAME, "current_key", "next_key", "active_kid", "keys_map"}


def _cause(world: World) -> Cause:
    return Cause(at=world.clock.read().wall, actor="test", reason="died")


THEIRS = {
    "/auth/aes/keys_map": b'{"old-1":"the only copy of their key"}',
    "/auth/jwt/current_private_key": b"the only copy of their key",
}


@pytest.mark.parametrize("path", THEIRS)
async def test_keys_that_somebody_keeps_under_the_guide_s_names_are_not_overwritten(path: str) -> None:
    place = SecretPath.parse(path)
    family = Family(place.segments[1])
    world = World()
    await world.store.overwrite({place: KeyMaterial(THEIRS[path])})
    with pytest.raises(WriteOnceConflictError) as caught:
        await world.init(POLICIES[family], actor="test", reason="first")
    assert str(caught.value) == (
        f"/auth/{family} already holds {place.name}, which no ring wrote: no key was made; put these keys into the"
        " environment and take them in with 'journal-keys migration migrate', or move them away if nothing uses them"
    )
    assert expose((await world.store.read_folder(place.folder)).secrets[place.name]) == THEIRS[path]
    assert (await world.ledger.read(family)).ring is None
    assert set((await world.store.read_folder(versions_folder(family))).secrets) == {MARKER_NAME}


@pytest.mark.parametrize("family", list(Family))
async def test_a_pass_writes_the_names_that_init_could_not(family: Family) -> None:
    store = SilentOnNames()
    store.is_silent = True
    world = World(store=store)
    with pytest.raises(SecretStoreUnavailableError):
        await world.init(POLICIES[family], actor="test", reason="first")
    store.is_silent = False
    assert isinstance(await world.init(POLICIES[family], actor="test", reason="again"), AlreadyInitialised)
    await world.reconciled(family)
    ring = await world.ring(family)
    shown = projected_kids((await store.read_folder(family_folder(family))).secrets).values()
    assert ring.staged is not None
    assert set(shown) == {ring.active.kid, ring.staged.kid}


async def test_a_secret_of_somebody_else_beside_the_names_is_no_key_of_a_lost_ledger() -> None:
    world = World()
    await world.store.put_new(family_folder(Family.AES).child("theirs"), KeyMaterial(b"a setting"))
    await world.make_key(POLICIES[Family.AES], _cause(world))  # of an init that died
    again = World(clock=world.clock, store=world.store, seed=2)
    assert isinstance(await again.init(POLICIES[Family.AES], actor="test", reason="again"), Initialised)


@pytest.mark.parametrize("family", list(Family))
async def test_init_over_a_ring_is_content_with_names_that_cannot_be_written(family: Family) -> None:
    store = SilentOnNames()
    world = await World(store=store).initialised(family)
    await store.delete(family_folder(family).child(PROJECTION_NAMES[family.value][0]))
    store.is_silent = True
    assert isinstance(await world.init(POLICIES[family], actor="test", reason="again"), AlreadyInitialised)
