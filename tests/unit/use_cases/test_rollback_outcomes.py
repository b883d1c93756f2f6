"""What a rollback of a migration tells, audits and leaves in full, and why it refuses."""

from dataclasses import replace
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, family_folder, versions_folder
from journal_keys.ports.secret_store import SecretStoreProtocolError
from journal_keys.use_cases.keep_pre_image import ROLLED_BACK, open_migration
from journal_keys.use_cases.migrate_secrets import Migrated
from journal_keys.use_cases.roll_back_migration import RollbackRefusedError, Undo
from tests.support.fault_plan import ProcessDied
from tests.support.heard import Heard
from tests.support.imported import aes_json
from tests.support.moving import DB_URL, ENVIRONMENT, OPENING, House, Told, changed, cut_short
from tests.support.world import W1, World

A = Family.AES
NATS_URL = SecretPath.parse("/infrastructure/nats_url")
OTHER_SECRET = SecretPath.parse("/application/other")


async def moved_in(house: House) -> str:
    """The pre-image of an environment that moved in."""
    outcome = await house.migrated()
    assert isinstance(outcome, Migrated)
    return outcome.pre_image


async def with_rings(world: World | None = None) -> House:
    """A world whose rings were there before anything moves in."""
    return House(world=await (world or World()).initialised())


async def new_kids(house: House, before: dict[Family, set[Kid]]) -> list[Kid]:
    """What the rings have that they did not have before."""
    return [kid for family in Family for kid in await kids(house, family) if kid not in before[family]]


async def kids(house: House, family: Family) -> list[Kid]:
    return [version.kid for version in (await house.world.ring(family)).versions]


async def used_since(world: World | None = None) -> tuple[House, str, list[Kid], Kid]:
    """Rings that took keys in and were rotated since: the pre-image, all their new keys, the one that came into use."""
    house = await with_rings(world)
    before = {family: set(await kids(house, family)) for family in Family}
    place = await moved_in(house)
    await house.world.rotated(A)
    return house, place, await new_kids(house, before), (await house.world.ring(A)).active.kid


async def test_a_rollback_tells_how_far_it_is_and_is_audited_with_what_it_removed() -> None:
    house, place, removed, used = await used_since()
    told = Told()
    undo = Undo(actor="alice", reason="too early", source=await house.planned(), forget=frozenset({used}))
    done = await house.rolling_back(place, OPENING, undo, tell=told)
    assert told.said == [("putting the rings back", 0, 1), ("putting values back", 0, done.paths)]
    assert done.removed == tuple(sorted(removed))
    assert (await house.world.trail.entries())[-1].fact == AuditFact(
        at=house.world.clock.read().wall,
        actor="alice",
        action=ROLLED_BACK,
        family=None,
        kid=None,
        reason="too early",
        detail={"sha256": await house.shelf.digest(place), "removed": " ".join(removed)},
    )


class Deadly(MemorySecretStore):
    """A store at which its caller dies before it deletes anything, as long as that is said."""

    is_deadly = False

    async def delete(self, path: SecretPath) -> None:
        if self.is_deadly:
            raise ProcessDied
        await super().delete(path)


async def test_material_of_keys_that_were_made_since_is_gone_where_a_second_run_goes_on_behind_the_rings() -> None:
    store = Deadly()
    house, place, removed, used = await used_since(World(store=store))
    store.is_deadly = True
    with pytest.raises(ProcessDied):
        await house.rolled_back(place, forget=frozenset({used}))
    store.is_deadly = False
    assert (await house.world.trail.entries())[-1].fact.action == ROLLED_BACK
    done = await house.rolled_back(place)
    assert done.removed == tuple(sorted(removed))
    for family in Family:
        stored = (await store.read_folder(versions_folder(family))).secrets.keys()
        assert stored.isdisjoint(removed)


async def test_a_rollback_of_secrets_alone_is_audited_though_the_rings_are_as_before() -> None:
    house = await with_rings()
    source = {"JOURNAL_DB_URL_SYNC": ENVIRONMENT["JOURNAL_DB_URL_SYNC"]}
    outcome = await house.migrated(source)
    assert isinstance(outcome, Migrated)
    await house.rolled_back(outcome.pre_image)
    assert (await house.world.trail.entries())[-1].fact.action == ROLLED_BACK


async def test_a_rollback_that_is_done_again_leaves_rings_that_were_there_alone() -> None:
    house = await with_rings()
    place = await moved_in(house)
    await house.rolled_back(place)
    head, heads = await house.world.trail.head(), await house.world.ledger.heads()
    await house.rolled_back(place)
    assert (await house.world.trail.head(), await house.world.ledger.heads()) == (head, heads)


async def test_a_rollback_hints_at_each_ring_and_its_next_generation() -> None:
    heard = Heard()
    house = await with_rings(World(hints=heard))
    place = await moved_in(house)
    heard.told.clear()
    await house.rolled_back(place)
    assert heard.told == [(family, (await house.world.ring(family)).generation) for family in Family]


async def test_rings_are_as_they_were_from_the_moment_of_the_rollback() -> None:
    house = await with_rings()
    before = {family: await house.world.ring(family) for family in Family}
    place = await moved_in(house)
    house.world.clock.pass_time(W1)
    await house.rolled_back(place)
    for family, ring in before.items():
        now = house.world.clock.read().wall
        assert await house.world.ring(family) == replace(ring, generation=ring.generation + 2, changed_at=now)


async def test_rings_that_the_ledger_lost_since_are_there_again() -> None:
    house = await with_rings()
    before = {family: await house.world.ring(family) for family in Family}
    secrets = house.secrets()
    place = await moved_in(house)
    lost = House(world=World(clock=house.world.clock, store=house.world.store), kept=house.kept)
    await lost.rolled_back(place)
    for family, ring in before.items():
        now = house.world.clock.read().wall
        assert await lost.world.ring(family) == replace(ring, generation=ring.generation + 1, changed_at=now)
    assert lost.secrets() == secrets


@pytest.mark.parametrize("founded", [0, 1])
async def test_a_migration_that_was_cut_short_is_undone_with_the_keys_that_it_made_for_no_ring(founded: int) -> None:
    house = await cut_short(founded=founded)
    assert len(await house.world.ledger.heads()) == founded
    opened = await open_migration(house.world.trail)
    assert opened
    await house.rolled_back(opened.pre_image)
    assert house.secrets() == {}
    assert await house.world.ledger.heads() == {}


async def test_keys_of_an_earlier_migration_stay_when_a_later_one_is_undone() -> None:
    house = House()
    works = await house.works()
    await house.migrated()
    before = house.secrets()
    house.world.clock.pass_time(timedelta(seconds=5))
    more = changed(AUTH_ENC_KEYS=aes_json("old_1", "old-2", "new_3"))
    later = await house.migrated(more)
    assert isinstance(later, Migrated)
    done = await house.rolled_back(later.pre_image, more)
    assert done.removed == ("new_3",)
    assert house.secrets() == before
    assert await house.unread(works) == []


async def test_a_secret_that_was_put_back_is_forgotten_by_the_cache_and_no_other_is() -> None:
    house = House()
    place = await moved_in(house)

    async def load(_: SecretPath) -> KeyMaterial:
        return KeyMaterial(b"of the migration")

    for path in (DB_URL, OTHER_SECRET):
        await house.cache.get(path, load)
    await house.rolled_back(place)
    assert [house.cache.peek(str(path)) for path in (DB_URL, OTHER_SECRET)] == [None, "of the migration"]


async def test_the_same_keys_under_other_kids_are_not_those_that_the_environment_has_to_have() -> None:
    house = House()
    place = await moved_in(house)
    renamed = changed(AUTH_ENC_KEYS=aes_json("new_1", "new-2"), AUTH_ENC_ACTIVE_KID=b"new-2")
    with pytest.raises(RollbackRefusedError) as caught:
        await house.rolled_back(place, renamed)
    imported = [version.kid for version in (await house.world.ring(A)).versions if version.derived_kid]
    assert str(caught.value) == (
        f"{', '.join(imported)} of ring aes came into use since the migration, or the environment no longer has it"
        " (--from-file names an env file): what was signed or encrypted with it would be lost; say --forget for each"
        " that may go"
    )


async def test_keys_that_were_compromised_since_are_all_named() -> None:
    house = await with_rings()
    before = await kids(house, A)
    place = await moved_in(house)
    for kid in before:
        await house.world.compromise(A, kid, actor="test", reason="leaked")
    forgotten = frozenset(await kids(house, A))
    with pytest.raises(RollbackRefusedError) as caught:
        await house.rolled_back(place, forget=forgotten)
    assert str(caught.value) == (
        f"{', '.join(before)} of ring aes was compromised or destroyed since the migration: a rollback would revive it"
    )


async def test_another_value_of_the_variable_is_not_what_the_migration_set() -> None:
    house = House()
    place = await moved_in(house)
    before = house.secrets()
    other = changed(JOURNAL_DB_URL_SYNC=b"another database", JOURNAL_NATS_URL=b"another broker")
    with pytest.raises(RollbackRefusedError) as caught:
        await house.rolled_back(place, other)
    assert str(caught.value) == (
        f"{DB_URL}, {NATS_URL} was changed since the migration, or the environment no longer has what was set there"
        " (--from-file names an env file): say --overwrite for each that may be lost; nothing was changed"
    )
    assert house.secrets() == before


class Stubborn(MemorySecretStore):
    """A store in which somebody sets secrets again whenever they are deleted."""

    def __init__(self, *paths: SecretPath) -> None:
        super().__init__()
        self.paths = paths

    async def delete(self, path: SecretPath) -> None:
        if path not in self.paths:
            await super().delete(path)


async def test_what_does_not_stay_as_it_is_put_back_is_named() -> None:
    names = [family_folder("jwt").child(name) for name in ("current_private_key", "current_public_key")]
    house = House(world=World(store=Stubborn(*names)))
    place = await moved_in(house)
    with pytest.raises(
        SecretStoreProtocolError, match=rf"^{names[0]}, {names[1]} was put back \d times and is not as before$"
    ):
        await house.rolled_back(place)
