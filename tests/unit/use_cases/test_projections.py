"""The guide's names say what the ring says, and material is believed only where its digest proves it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain import material, rotation
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import Reconciled
from journal_keys.domain.paths import MARKER_NAME, SecretPath, family_folder, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import LedgerPage, StaleGenerationError
from journal_keys.ports.secret_store import PendingApprovalError
from tests.support.passing_ledger import PassingLedger
from tests.support.projected import projected_kids
from tests.support.world import W1, World

J, A = Family.JWT, Family.AES
FAMILIES = pytest.mark.parametrize("family", list(Family))


async def kids(world: World, family: Family) -> tuple[Kid, Kid]:
    ring = await world.ring(family)
    assert ring.staged is not None
    return ring.active.kid, ring.staged.kid


async def repairs(world: World, family: Family) -> tuple[str, ...]:
    outcome = await world.reconciled(family)
    assert isinstance(outcome, Reconciled)
    assert outcome.family is family
    return outcome.repairs


async def test_altered_material_of_a_key_in_use_is_named_with_the_way_out() -> None:
    world = await World().initialised(A)
    active, _ = await kids(world, A)
    await world.store.overwrite({versions_folder(A).child(active): KeyMaterial(b"altered")})
    with pytest.raises(MaterialCorruptError) as caught:
        await world.reconciled(A)
    assert str(caught.value) == (
        f"the material stored for {active} is not what the ledger recorded: it was changed in the store; restore it"
        " from a backup or compromise the key"
    )


@pytest.mark.parametrize("drift", [{"kid": Kid("jwt_other")}, {"algorithm": Algorithm.ES256}], ids=["kid", "algorithm"])
async def test_material_that_describes_another_key_than_its_row_is_told(drift: dict[str, object]) -> None:
    world = await World().initialised(J)
    ring = await world.ring(J)
    path = versions_folder(J).child(ring.active.kid)
    record = material.decode((await world.store.read_folder(path.folder)).secrets[path.name])
    line = material.encode(replace(record, **drift))  # type: ignore[arg-type]
    await world.store.overwrite({path: line})
    recorded = replace(ring.active, digest=line.digest())
    versions = tuple(recorded if version.kid == recorded.kid else version for version in ring.versions)
    with pytest.raises(MaterialCorruptError) as caught:
        await world.project(replace(ring, versions=versions))
    assert str(caught.value) == f"the material stored for {recorded.kid} describes another key"


@FAMILIES
async def test_the_projections_of_a_key_that_is_gone_are_taken_away(family: Family) -> None:
    world = await World().initialised(family)
    ring = await world.ring(family)
    assert ring.staged is not None
    gone = (ring.staged,)
    change = await world.ledger.commit(lambda at: rotation.retire(ring, gone, Cause(at=at, actor="t", reason="t")))
    assert await world.project(change.ring) == 2
    assert await world.project(change.ring) == 0
    held = (await world.store.read_folder(family_folder(family))).secrets
    assert (
        set(held)
        == {
            J: {MARKER_NAME, "current_private_key", "current_public_key"},
            A: {MARKER_NAME, "current_key", "active_kid", "keys_map"},
        }[family]
    )


async def test_the_projections_of_aes_say_what_the_ring_says() -> None:
    world = await World().initialised(A)
    active, staged = await kids(world, A)
    held = (await world.store.read_folder(family_folder(A))).secrets
    texts = {name: expose(value).decode() for name, value in held.items()}
    current, following = texts["current_key"], texts["next_key"]
    pairs = sorted([(active, current), (staged, following)])
    assert texts["active_kid"] == active
    assert texts["keys_map"] == "{" + ",".join(f'"{kid}":"{key}"' for kid, key in pairs) + "}"
    assert current != following
    await world.store.delete(versions_folder(A).child(active))
    await world.project(await world.ring(A))
    assert set((await world.store.read_folder(family_folder(A))).secrets) == {
        MARKER_NAME, "next_key", "active_kid", "keys_map",
    }  # fmt: skip


@FAMILIES
async def test_names_show_the_keys_that_an_older_ring_does_not_know_and_are_not_written_from_it(family: Family) -> None:
    world = await World().initialised(family)
    old = await world.ring(family)
    for rotation_id in ("first", "second"):
        await world.rotated(family, rotation_id)
        world.clock.pass_time(W1)
    later = set(await kids(world, family))
    content = await world.read_material(family)
    assert await world.project.shown(old, content) == later
    assert await world.project.shown(await world.ring(family), content) == set()
    assert await world.project(old) == 0
    assert await shown(world, family) == later


class Busy(MemorySecretStore):
    """What `before` does happens ahead of the next write of names, and the next `lost` writes do not stay."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], Awaitable[object]] | None = None
        self.lost = 0
        self.writes = 0

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        before, self.before = self.before, None
        if before:
            await before()
        self.writes += 1
        if self.lost:
            self.lost -= 1
            raise PendingApprovalError("does not show it")
        await super().overwrite(values)


async def busy(family: Family) -> tuple[World, Busy]:
    """A world whose names are bare, so that whoever projects has something to write."""
    store = Busy()
    world = await World(store=store).initialised(family)
    for name in (await store.read_folder(family_folder(family))).secrets.keys() - {MARKER_NAME}:
        await store.delete(family_folder(family).child(name))
    store.writes = 0
    return world, store


async def shown(world: World, family: Family) -> set[Kid]:
    return set(projected_kids((await world.store.read_folder(family_folder(family))).secrets).values())


@FAMILIES
async def test_who_writes_names_of_a_ring_that_others_have_rotated_meanwhile_writes_those_of_theirs(
    family: Family,
) -> None:
    world, store = await busy(family)
    store.before = lambda: world.rotated(family)
    late = await world.ring(family)
    assert await world.project(late) > 0
    newest = await world.ring(family)
    assert newest.generation > late.generation
    assert await shown(world, family) == set(await kids(world, family))
    assert await world.project(newest) == 0


@FAMILIES
async def test_names_that_somebody_overwrote_are_written_once_more(family: Family) -> None:
    world, store = await busy(family)
    store.lost = 1
    ring = await world.ring(family)
    assert await world.project(ring) > 0
    assert store.writes == 2
    assert await shown(world, family) == set(await kids(world, family))


@FAMILIES
async def test_names_that_wait_for_an_approval_are_asked_for_twice_and_told(family: Family) -> None:
    world, store = await busy(family)
    store.lost = 9
    with pytest.raises(PendingApprovalError, match="does not show it"):
        await world.project(await world.ring(family))
    assert store.writes == 2


async def test_names_of_a_ring_that_never_rests_are_left_to_the_next_pass() -> None:
    class Restless(PassingLedger):
        """Each look finds a ring that is newer by one."""

        looks = 0

        async def read(self, family: Family) -> LedgerPage:
            page = await self.ledger.read(family)
            assert page.ring is not None
            self.looks += 1
            return replace(page, ring=replace(page.ring, generation=page.ring.generation + self.looks))

    world, store = await busy(J)
    store.lost = 99
    ring = await world.ring(J)
    project = replace(world.project, ledger=Restless(ledger=world.ledger))
    with pytest.raises(StaleGenerationError) as caught:
        await project(ring)
    assert str(caught.value) == "ring jwt changed 8 times while its names were written"
    assert store.writes == 8
