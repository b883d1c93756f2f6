"""An instance says that it holds a generation once it can do what the others rely on, and no earlier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain import fleet as domain
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import Rotated, Waiting
from journal_keys.domain.paths import MARKER_NAME, known_folders, versions_folder
from journal_keys.ports.fleet import Fleet
from journal_keys.use_cases.report_instance import ReportInstance
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.moving import House
from tests.support.world import W1, World

J, A = Family.JWT, Family.AES
LIFE = timedelta(days=365)


@dataclass(kw_only=True)
class Instance:
    """A process that keeps views fresh and reports, on the ledger and the store of a world."""

    world: World
    name: str = "api-1"
    plan: FaultPlan = field(default_factory=lambda: FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE))

    def __post_init__(self) -> None:
        self.inner = World(
            clock=self.world.clock, store=self.plan.wrap(self.world.store), shared_ledger=self.world.ledger
        )
        fleet = cast("Fleet", self.world.ledger)
        self.report = ReportInstance(
            fleet=fleet, board=self.inner.board, clock=self.world.clock, name=self.name, expires_in=LIFE
        )

    async def look(self) -> "Instance":
        """Look at the ledger, and tell."""
        await self.inner.refresh()
        await self.report()
        return self

    async def look_without_the_store(self) -> None:
        """Look while the next call of the store fails."""
        self.plan.at = len(self.plan.calls)
        await self.look()
        assert self.plan.has_struck

    async def held(self, family: Family = A) -> int:
        """The generation that it told last."""
        (told,) = await self.report.fleet.instances()
        return told.held[family].generation


async def generation(world: World, family: Family = A) -> int:
    return (await world.ring(family)).generation


async def old_key_lost() -> tuple[World, Kid, KeyMaterial]:
    """A world whose aes ring rotated once, and whose first key is no longer in the store."""
    world = await World().initialised(A)
    old = (await world.ring(A)).active.kid
    assert isinstance(await world.rotated(A, "first"), Rotated)
    return world, old, await taken(world, old)


async def taken(world: World, kid: Kid) -> KeyMaterial:
    """Take a key's material, or the marker, out of the store."""
    path = versions_folder(A).child(kid)
    line = (await world.store.read_folder(path.folder)).secrets[kid]
    await world.store.delete(path)
    return line


async def renumbered(world: World) -> None:
    """Let the ring have another generation and the same keys: a rotation that is asked for too early."""
    before = await world.ring(A)
    assert isinstance(await world.rotated(A, "too-early"), Waiting)
    after = await world.ring(A)
    assert (after.versions, after.generation > before.generation) == (before.versions, True)


async def test_a_lost_key_that_only_decrypts_holds_no_rotation_back() -> None:
    world, old, _ = await old_key_lost()
    instance = await Instance(world=world).look()
    assert instance.inner.board.cipher is not None
    assert instance.inner.board.cipher.missing == {old}
    assert await instance.held() == await generation(world)
    world.clock.pass_time(W1)
    assert isinstance(await world.rotated(A, "second"), Rotated)


async def test_a_backup_of_one_ring_alone_gives_rings_that_rotate() -> None:
    house = House()
    await house.inner.initialised()
    await house.world.rotated(A)
    await house.put.mark(frozenset(known_folders()))
    place = (await house.backed_up(J)).place
    other = House(world=World(clock=house.world.clock, seed=50), kept=house.kept)
    await other.restored(place)
    instance = await Instance(world=other.world).look()
    assert await instance.held() == await generation(other.world)
    other.world.clock.pass_time(W1)
    assert isinstance(await other.inner.rotated(A, "second"), Rotated)


async def test_a_store_that_gives_no_answer_proves_no_loss() -> None:
    world, _, _ = await old_key_lost()
    instance = await Instance(world=world).look()
    before = await generation(world)
    await renumbered(world)
    await instance.look_without_the_store()
    assert await instance.held() == before
    await instance.look()
    assert await instance.held() == await generation(world)


async def test_a_folder_without_its_marker_proves_no_loss() -> None:
    world, _, _ = await old_key_lost()
    instance = await Instance(world=world).look()
    before = await generation(world)
    marker = await taken(world, Kid(MARKER_NAME))
    await renumbered(world)
    await instance.look()
    assert await instance.held() == before
    await world.store.put_new(versions_folder(A).child(MARKER_NAME), marker)
    await instance.look()
    assert await instance.held() == await generation(world)


@pytest.mark.parametrize("which", ["active", "staged"])
async def test_a_key_that_encrypts_now_or_next_is_waited_for_wherever_it_is(which: str) -> None:
    world, _, _ = await old_key_lost()
    ring = await world.ring(A)
    assert ring.staged is not None
    kid = {"active": ring.active.kid, "staged": ring.staged.kid}[which]
    line = await taken(world, kid)
    instance = await Instance(world=world).look()
    assert await instance.held() == 0
    world.clock.pass_time(W1)
    assert isinstance(await world.rotated(A, "second"), Waiting)
    await world.store.put_new(versions_folder(A).child(kid), line)
    await instance.look()
    assert await instance.held() == await generation(world)


async def test_who_cannot_open_the_staged_key_stays_behind_though_an_old_one_is_lost() -> None:
    world, _, _ = await old_key_lost()
    instance = await Instance(world=world).look()
    before = await generation(world)
    world.clock.pass_time(W1)
    assert isinstance(await world.rotated(A, "second"), Rotated)
    await instance.look_without_the_store()
    assert await instance.held() == before
    world.clock.pass_time(W1)
    assert isinstance(await world.rotated(A, "third"), Waiting)
    await instance.look()
    assert isinstance(await world.rotated(A, "third"), Rotated)


async def test_who_leaves_is_waited_for_no_longer_and_no_other_leaves_with_it() -> None:
    world = await World().initialised()
    stays, leaves = await Instance(world=world).look(), await Instance(world=world, name="api-2").look()
    await leaves.report.leave()
    assert [one.name for one in await stays.report.fleet.instances()] == ["api-1"]


@dataclass(kw_only=True)
class NotingFleet(Fleet):
    """Notes who reported what, and when."""

    clock: ManualClock
    reports: list[tuple[float, str, int]] = field(default_factory=list)

    async def report(self, name: str, generations: Mapping[Family, int], *, expires_in: timedelta) -> None:
        assert expires_in == LIFE
        self.reports.append((self.clock.uptime_s(), name, sum(generations.values())))

    async def leave(self, name: str) -> None:
        raise NotImplementedError

    async def instances(self) -> Sequence[domain.Instance]:
        raise NotImplementedError


async def test_it_reports_a_change_at_once_and_else_four_times_within_the_life_of_a_report() -> None:
    world = await World().initialised()
    fleet = NotingFleet(clock=world.clock)
    report = ReportInstance(fleet=fleet, board=world.board, clock=world.clock, name="api-1", expires_in=LIFE)
    first_s = world.clock.uptime_s()
    await report()
    await world.refresh()
    await report()
    world.clock.pass_time(LIFE / 4 - timedelta(microseconds=1))
    await report()
    world.clock.pass_time(timedelta(microseconds=1))
    await report()
    second_s = world.clock.uptime_s()
    assert fleet.reports == [(first_s, "api-1", 0), (first_s, "api-1", 2), (second_s, "api-1", 2)]


async def test_of_a_ring_that_was_founded_anew_below_what_was_told_less_is_told_while_it_cannot_be_read() -> None:
    world = await World().initialised(A)
    instance = await Instance(world=world).look()
    for name in ("first", "second"):
        assert isinstance(await world.rotated(A, name), Rotated)
        world.clock.pass_time(W1)
        await instance.look()
    assert await instance.held() == await generation(world)
    anew = await World(clock=world.clock, seed=77).initialised(A)
    assert await generation(anew) < await instance.held()
    instance.inner.refresh = replace(instance.inner.refresh, ledger=anew.ledger)
    await instance.inner.refresh.confirm()
    await instance.report()
    assert await instance.held() < await generation(anew)
