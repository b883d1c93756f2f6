"""The guide's names say what the ring says, and material is believed only where its digest proves it."""

from dataclasses import replace

import pytest

from journal_keys.domain import material, rotation
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import Reconciled
from journal_keys.domain.paths import MARKER_NAME, family_folder, versions_folder
from journal_keys.domain.rotation import Cause
from tests.support.world import World

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
