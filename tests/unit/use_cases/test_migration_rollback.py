"""A migration is undone byte for byte, and nothing that came into use since is lost without being named."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.exposure import expose
from journal_keys.domain.keyring import RingHead
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.ledger_copy import RingsPutBack
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.migration import Resolutions
from journal_keys.domain.outcomes import Rotated
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.ledger import LedgerUnavailableError, StaleGenerationError
from journal_keys.ports.secret_store import FolderContent, SecretStore, SecretStoreError
from journal_keys.use_cases.migrate_secrets import Migrated
from journal_keys.use_cases.roll_back_migration import RollbackRefusedError, Undo
from tests.support.hiding import Hiding
from tests.support.imported import aes_json
from tests.support.moving import DB_URL, ENVIRONMENT, OPENING, House
from tests.support.world import POLICIES, START, W1, WINDOWS, World

J, A = Family.JWT, Family.AES


async def place_of(house: House, **resolutions: frozenset[str]) -> str:
    outcome = await house.migrated(resolutions=Resolutions(**resolutions))
    assert isinstance(outcome, Migrated)
    return outcome.pre_image


async def test_an_empty_world_is_empty_again_but_for_the_audit_trail() -> None:
    house = House()
    done = await house.rolled_back(await place_of(house))
    assert done.paths > 20
    assert house.secrets() == {}
    assert await house.world.ledger.heads() == {}
    actions = [entry.fact.action for entry in await house.world.trail.entries()]
    assert actions[-1] == "migration_rolled_back"
    await house.world.verify_audit()


async def test_rings_that_were_there_have_their_versions_of_then_under_the_next_generation() -> None:
    house = House(world=await World().initialised())
    await house.put.mark(frozenset({DB_URL.folder}))
    await house.put.new({DB_URL: KeyMaterial(b"another")})
    secrets, rings = house.secrets(), {family: await house.world.ring(family) for family in Family}
    place = await place_of(house, overwrite=frozenset({"JOURNAL_DB_URL_SYNC"}))
    await house.rolled_back(place)
    assert house.secrets() == secrets
    for family, before in rings.items():
        after = await house.world.ring(family)
        assert after.versions == before.versions
        assert after.generation == before.generation + 2


async def test_done_again_it_changes_nothing_and_afterwards_one_can_move_in_again() -> None:
    house = House()
    place = await place_of(house)
    await house.rolled_back(place)
    head = await house.world.trail.head()
    await house.rolled_back(place)
    assert await house.world.trail.head() == head
    works = await house.works()
    house.world.clock.pass_time(timedelta(seconds=5))
    assert isinstance(await house.migrated(), Migrated)
    assert await house.unread(works) == []


class Unanswered(MemoryLedger):
    """A ledger that puts rings back, or does not, and says neither."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, WINDOWS.skew)
        self.lost = ""

    async def put_back(
        self, expected: Mapping[Family, RingHead | None], transition: Callable[[datetime], RingsPutBack]
    ) -> RingsPutBack:
        done = None if self.lost == "not done" else await super().put_back(expected, transition)
        if done is None or self.lost:
            raise LedgerUnavailableError("no answer")
        return done


async def rolled_back_and_moved_in_again() -> tuple[House, Unanswered, str]:
    clock = ManualClock(START)
    ledger = Unanswered(clock)
    house = House(world=World(clock=clock, shared_ledger=ledger))
    place = await place_of(house)
    await house.rolled_back(place)
    clock.pass_time(timedelta(seconds=5))
    await house.migrated()
    return house, ledger, place


async def test_an_earlier_rollback_of_the_same_pre_image_does_not_stand_for_one_without_an_answer() -> None:
    house, ledger, place = await rolled_back_and_moved_in_again()
    before, works = house.secrets(), await house.works()
    ledger.lost = "not done"
    with pytest.raises(LedgerUnavailableError):
        await house.rolled_back(place)
    assert house.secrets() == before
    assert await house.unread(works) == []


async def test_a_rollback_whose_answer_was_lost_goes_on_where_the_rings_are_back() -> None:
    house, ledger, place = await rolled_back_and_moved_in_again()
    ledger.lost = "done"
    await house.rolled_back(place)
    assert house.secrets() == {}
    assert await ledger.heads() == {}


async def test_a_key_that_came_into_use_since_is_only_lost_by_name() -> None:
    house = House()
    place = await place_of(house)
    house.world.clock.pass_time(W1)
    await house.world.rotated(A)
    new = (await house.world.ring(A)).active.kid
    before = house.secrets()
    with pytest.raises(RollbackRefusedError, match=new):
        await house.rolled_back(place)
    assert house.secrets() == before
    await house.rolled_back(place, forget=frozenset({new}))
    assert house.secrets() == {}


async def test_a_compromise_since_is_not_undone() -> None:
    house = House(world=await World().initialised())
    old = (await house.world.ring(A)).active.kid
    place = await place_of(house)
    await house.world.compromise(A, old, actor="test", reason="leaked")
    with pytest.raises(RollbackRefusedError, match=f"{old} .*revive"):
        await house.rolled_back(place, forget=frozenset({(await house.world.ring(A)).active.kid}))
    assert not (await house.world.ring(A)).get(old).is_accepted


async def test_a_secret_that_others_set_since_goes_back_only_by_name() -> None:
    house = House()
    place = await place_of(house)
    await house.put.set({DB_URL: KeyMaterial(b"newer")})
    with pytest.raises(RollbackRefusedError, match="db_url_sync was changed"):
        await house.rolled_back(place)
    assert house.secrets()[str(DB_URL)] == b"newer"
    await house.rolled_back(place, overwrite=frozenset({DB_URL}))
    assert house.secrets() == {}


@dataclass
class HidingLater(Hiding):
    """A store that shows its folder so many times first, and in which somebody sets a secret behind the first look."""

    shown: int = 0
    late: dict[SecretPath, KeyMaterial] = field(default_factory=dict)

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        if folder != self.folder:
            return await self.plain.read_folder(folder)
        self.shown -= 1
        content = await (self.plain.read_folder(folder) if self.shown >= 0 else super().read_folder(folder))
        await self.plain.overwrite(self.late)
        self.late = {}
        return content


async def rolled_back_on(store: SecretStore, house: House, place: str) -> None:
    """Roll back where the store is not what the plan of the environment saw."""
    world = World(clock=house.world.clock, store=store, shared_ledger=house.world.ledger)
    undo = Undo(actor="test", reason="back", source=await house.planned())
    await House(world=world, kept=house.kept).rolling_back(place, OPENING, undo)


@pytest.mark.parametrize("times", [1, 2, 3, 4])
async def test_a_secret_that_others_set_since_is_not_lost_because_it_was_hidden(times: int) -> None:
    house = House()
    place = await place_of(house)
    await house.put.set({DB_URL: KeyMaterial(b"newer")})
    before, rings = house.secrets(), await house.world.ledger.heads()
    with pytest.raises((RollbackRefusedError, SecretStoreError)):
        await rolled_back_on(Hiding(house.world.store, DB_URL.folder, times), house, place)
    assert house.secrets() == before
    assert await house.world.ledger.heads() == rings


async def test_a_secret_that_others_set_between_two_looks_goes_back_only_by_name() -> None:
    house = House()
    place = await place_of(house)
    store = HidingLater(house.world.store, DB_URL.folder, 0, late={DB_URL: KeyMaterial(b"newer")})
    with pytest.raises(RollbackRefusedError, match=r"db_url_sync was changed .*; the rings went back already"):
        await rolled_back_on(store, house, place)
    assert house.secrets()[str(DB_URL)] == b"newer"
    await house.rolled_back(place, overwrite=frozenset({DB_URL}))
    assert house.secrets() == {}


@pytest.mark.parametrize("shown", range(5))
@pytest.mark.parametrize("folder", ["/auth/jwt", "/auth/jwt/versions", "/database"])
async def test_what_one_answer_hides_goes_as_well(folder: str, shown: int) -> None:
    house = House()
    place = await place_of(house)
    await rolled_back_on(HidingLater(house.world.store, SecretPath.parse(folder), 1, shown), house, place)
    assert house.secrets() == {}


@dataclass
class Late(Hiding):
    """A store at which an instance comes late with its names: behind what it waits for."""

    behind: Callable[[], Awaitable[object]] | None = None

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        behind, self.behind = self.behind, None
        if behind:
            await behind()
        await super().overwrite(values)


@dataclass
class Undoing(Hiding):
    """A store at which somebody acts as soon as the first name is deleted."""

    act: Callable[[], Awaitable[object]] | None = None

    async def delete(self, path: SecretPath) -> None:
        await super().delete(path)
        act = self.act if path == OWN_PEM else None
        if act:
            self.act = None
            await act()


OWN_PEM = SecretPath.parse("/auth/jwt/current_private_key")


async def late_instance(house: House, behind: Callable[[], Awaitable[object]]) -> World:
    """An instance that finds a name old, and waits before it writes it."""
    await house.world.store.overwrite({OWN_PEM: KeyMaterial(b"an older name")})
    store = Late(house.world.store, SecretPath.parse("/no/where"), 0, behind)
    return World(clock=house.world.clock, store=store, shared_ledger=house.world.ledger, seed=7)


async def test_names_that_an_instance_writes_during_a_rollback_go_as_well() -> None:
    house = House()
    place = await place_of(house)
    names = {OWN_PEM: KeyMaterial(b"of the ring that is gone")}
    store = Undoing(house.world.store, SecretPath.parse("/no/where"), 0)
    store.act = lambda: house.world.store.overwrite(names)
    await rolled_back_on(store, house, place)
    assert house.secrets() == {}


async def test_an_instance_that_writes_names_behind_a_rollback_is_told_that_the_ring_went_away() -> None:
    house = House()
    place = await place_of(house)
    ring = await house.world.ring(J)
    instance = await late_instance(house, lambda: house.rolled_back(place))
    with pytest.raises(StaleGenerationError, match=r"jwt went away .* the same rollback once more"):
        await instance.project(ring)
    assert house.secrets().keys() == {str(OWN_PEM)}
    await house.rolled_back(place)
    assert house.secrets() == {}


async def test_a_secret_that_the_migration_did_not_touch_stays() -> None:
    house = House()
    place = await place_of(house)
    other = SecretPath.parse("/application/other")
    await house.put.new({other: KeyMaterial(b"mine")})
    await house.rolled_back(place)
    assert house.secrets() == {str(other): b"mine"}


async def test_an_imported_key_goes_with_its_material_and_the_environment_still_has_it() -> None:
    house = House(world=await World().initialised())
    place = await place_of(house)
    done = await house.rolled_back(place)
    assert Kid("old-2") in done.removed
    assert not [path for path in house.secrets() if "old-2" in path]
    assert expose(ENVIRONMENT["AUTH_ENC_ACTIVE_KID"]) == b"old-2"


async def test_what_the_environment_no_longer_has_is_given_up_only_by_name() -> None:
    house = House()
    place = await place_of(house)
    poorer = {
        name: value for name, value in ENVIRONMENT.items() if name not in {"AUTH_ENC_KEYS", "AUTH_ENC_ACTIVE_KID"}
    }
    before = house.secrets()
    with pytest.raises(RollbackRefusedError, match="old-2"):
        await house.rolled_back(place, poorer)
    poorer.pop("JOURNAL_NATS_URL")
    with pytest.raises(RollbackRefusedError, match="nats_url"):
        await house.rolled_back(place, poorer, forget=frozenset({Kid("old_1"), Kid("old-2")}))
    assert house.secrets() == before
    nats = SecretPath.parse("/infrastructure/nats_url")
    await house.rolled_back(place, poorer, forget=frozenset({Kid("old_1"), Kid("old-2")}), overwrite=frozenset({nats}))
    assert house.secrets() == {}


async def test_another_key_of_the_kid_in_the_environment_is_not_that_key() -> None:
    house = House()
    place = await place_of(house)
    other = {**ENVIRONMENT, "AUTH_ENC_KEYS": aes_json("old_1", "old-2", seed=80)}
    with pytest.raises(RollbackRefusedError, match=r"old-2, old_1|old_1, old-2"):
        await house.rolled_back(place, other)


@pytest.mark.parametrize("asked_by", ["rotate_when_due", "rotate_on_webhook"])
async def test_a_ring_that_went_back_behind_its_rotation_is_rotated_when_it_is_due(asked_by: str) -> None:
    house = House(world=await World().initialised())
    place = await place_of(house)
    rotate = getattr(house.world, asked_by)
    house.world.clock.pass_time(POLICIES[A].interval)
    done = await rotate(A)
    assert isinstance(done, Rotated)
    await house.rolled_back(place, forget=frozenset({done.new_kid}))
    ring = await house.world.ring(A)
    assert ring.active.kid == done.old_kid
    house.world.clock.pass_time(W1)
    again = await rotate(A)
    assert isinstance(again, Rotated)
    assert again.generation > ring.generation
    assert (await house.world.ring(A)).active.kid == again.new_kid != done.old_kid


async def test_a_staged_key_that_was_promoted_since_goes_back_only_by_name() -> None:
    house = House(world=await World().initialised())
    place = await place_of(house)
    await house.world.rotated(A)
    new = (await house.world.ring(A)).active.kid
    with pytest.raises(RollbackRefusedError, match=new):
        await house.rolled_back(place)
    await house.rolled_back(place, forget=frozenset({new}))
    assert (await house.world.ring(A)).staged is not None
