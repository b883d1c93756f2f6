"""A look at the ledger confirms a view; what it finds closed is read from the store, however long that takes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import Rotated, Waiting
from journal_keys.domain.paths import MARKER_NAME, versions_folder
from journal_keys.ports.ledger import LedgerCorruptError, LedgerPage
from journal_keys.ports.secret_store import SecretHiddenError, SecretStoreUnavailableError
from journal_keys.ports.view_board import SigningView
from journal_keys.use_cases.refresh_views import Look, Sought
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.passing_ledger import PassingLedger
from tests.support.world import W1, World

J, A = Family.JWT, Family.AES


async def sought_by(application: World) -> Sought:
    """The one thing that a look leaves to be read."""
    (sought,) = (await application.refresh.confirm()).sought
    return sought


async def compromised(world: World, family: Family, times: int = 1) -> list[Kid]:
    """Replace the ACTIVE key in a hurry."""
    kids = []
    for number in range(times):
        kids.append((await world.ring(family)).active.kid)
        await world.compromise(family, kids[-1], actor="test", reason=f"leak {number}")
    return kids


async def test_a_changed_ring_is_confirmed_before_the_store_is_asked() -> None:
    world = await World().initialised(A)
    await world.refresh()
    await world.rotated(A)
    world.clock.pass_time(W1)
    sought = await sought_by(world)
    ring, shown = await world.ring(A), world.board.cipher
    assert ring.staged is not None
    assert shown is not None
    assert (shown.ring, shown.confirmed_s) == (ring, world.clock.uptime_s())
    assert shown.missing == {ring.staged.kid}
    assert (sought.family, sought.unopened, sought.is_active_closed) == (A, (ring.staged,), False)
    await world.refresh.read(sought)
    assert world.board.cipher is not None
    assert world.board.cipher.missing == frozenset()


async def test_what_was_read_for_a_while_is_shown_with_the_newest_confirmation() -> None:
    world = await World().initialised(A)
    await world.refresh()
    await world.rotated(A)
    sought = await sought_by(world)
    world.clock.pass_time(timedelta(minutes=1))
    await world.refresh.confirm()
    await world.refresh.read(sought)
    shown = world.board.cipher
    assert shown is not None
    assert (shown.confirmed_s, shown.missing) == (world.clock.uptime_s(), frozenset())
    assert shown.confirmed_at == world.clock.read().wall


async def test_what_was_read_is_shown_in_the_ring_that_is_shown_then() -> None:
    world = await World().initialised(A)
    app = world.beside()
    await app.refresh()
    await world.rotated(A, "first")
    sought = await sought_by(app)
    await world.rotated(A, "too-early")
    assert (await world.ring(A)).head != sought.view.ring.head
    await app.refresh.confirm()
    await app.refresh.read(sought)
    assert app.board.cipher is not None
    assert app.board.cipher.ring == await world.ring(A)
    assert app.board.cipher.missing == frozenset()


async def test_a_key_that_was_withdrawn_while_it_was_read_is_not_shown() -> None:
    world = await World().initialised(A)
    app = world.beside()
    await app.refresh()
    await world.rotated(A, "first")
    sought = await sought_by(app)
    (new,) = (version.kid for version in sought.unopened)
    await world.compromise(A, new, actor="test", reason="leaked")
    await app.refresh.confirm()
    await app.refresh.read(sought)
    shown, ring = app.board.cipher, await world.ring(A)
    assert shown is not None
    assert ring.staged is not None
    assert new not in shown.opening
    assert shown.ring == ring
    assert shown.missing == {ring.staged.kid}


async def test_a_ring_whose_active_key_is_not_open_keeps_its_former_view_unconfirmed() -> None:
    world = await World().initialised(A)
    app = world.beside()
    await app.refresh()
    before = app.board.cipher
    for name in ("first", "second"):
        await world.rotated(A, name)
        world.clock.pass_time(W1)
    sought = await sought_by(app)
    assert app.board.cipher is before
    assert sought.is_active_closed
    world.clock.pass_time(timedelta(minutes=1))
    await app.refresh.read(sought)
    shown = app.board.cipher
    assert shown is not None
    assert shown.ring == await world.ring(A)
    assert (shown.confirmed_s, shown.missing) == (sought.view.confirmed_s, frozenset())


@pytest.mark.parametrize("family", list(Family))
async def test_a_ring_that_changed_within_one_tick_of_the_clock_is_shown_when_its_key_is_read(family: Family) -> None:
    world = await World().initialised(family)
    app = world.beside()
    await app.refresh()
    await world.rotated(family, "first")
    world.clock.pass_time(W1)
    await app.refresh.confirm()
    await world.rotated(family, "second")
    sought = await sought_by(app)
    assert sought.is_active_closed
    await app.refresh.read(sought)
    (shown,) = (view for view in (app.board.signing, app.board.cipher) if view is not None)
    assert (shown.ring, shown.missing) == (await world.ring(family), frozenset())


async def test_a_ring_that_can_wait_keeps_no_other_from_being_read_at_once() -> None:
    world = await World().initialised()
    app = world.beside()
    await app.refresh()
    await world.rotated(J)
    for name in ("first", "second"):
        await world.rotated(A, name)
        world.clock.pass_time(W1)
    await app.refresh(urgent_only=True)
    assert app.board.signing is not None
    assert app.board.cipher is not None
    assert app.board.signing.missing
    assert (app.board.cipher.ring, app.board.cipher.missing) == (await world.ring(A), frozenset())


class Emptied(PassingLedger):
    """A ledger that loses its rings between a look at their heads and a look at one of them."""

    is_emptied = False

    async def read(self, family: Family) -> LedgerPage:
        page = await super().read(family)
        return replace(page, ring=None) if self.is_emptied else page


@pytest.mark.parametrize("is_known", [False, True], ids=["a first look", "a later look"])
async def test_a_ring_that_is_gone_when_it_is_looked_at_changes_no_view(*, is_known: bool) -> None:
    world = await World().initialised(A)
    ledger = Emptied(ledger=world.ledger)
    app = world.beside(ledger)
    if is_known:
        await app.refresh()
        await world.rotated(A)
    before, ledger.is_emptied = app.board.cipher, True
    assert await app.refresh.confirm() == Look(sought=(), failures=())
    assert app.board.cipher is before


@pytest.mark.parametrize("family", list(Family))
async def test_a_view_that_trusts_a_compromised_key_gives_way_though_the_new_active_key_is_not_open(
    family: Family,
) -> None:
    world = await World().initialised(family)
    app = world.beside()
    await app.refresh()
    kids = await compromised(world, family, times=2)
    sought = await sought_by(app)
    assert sought.is_active_closed
    views = (app.board.signing, app.board.cipher)
    (shown,) = (view for view in views if view is not None)
    assert shown.ring == await world.ring(family)
    assert shown.confirmed_s == world.clock.uptime_s()
    held = shown.verifying if isinstance(shown, SigningView) else shown.opening
    assert held.keys().isdisjoint(kids)


async def a_leak(world: World) -> None:
    await compromised(world, J)


async def another_generation(world: World) -> None:
    """Give the ring another generation and the same keys."""
    assert isinstance(await world.rotated(J, f"too-early-{(await world.ring(J)).generation}"), Waiting)


@pytest.mark.parametrize("change", [a_leak, another_generation])
async def test_a_view_that_a_snapshot_gave_way_to_gives_way_itself_to_every_newer_ring(
    change: Callable[[World], Awaitable[None]],
) -> None:
    world = await World().initialised(J)
    assert isinstance(await world.rotated(J, "first"), Rotated)
    app = world.beside()
    await app.refresh()
    signing = app.board.signing
    assert signing is not None
    app.board.show(replace(signing, signing=None, signers={}, records={}, is_restored=True))
    for number in range(3):
        await change(world)
        await app.refresh.confirm()
        ring = await world.ring(J)
        assert app.board.signing is not None
        assert app.board.signing.ring == ring, number
        assert app.board.signing.verifying.keys() == {version.kid for version in ring.accepted}


class CorruptFor(PassingLedger):
    """A ledger in which one ring is not as any release writes it."""

    ring: Family | None = None

    async def read(self, family: Family) -> LedgerPage:
        if family is self.ring:
            raise LedgerCorruptError(f"ring {family} is damaged")
        return await super().read(family)


@pytest.mark.parametrize("damaged", list(Family))
async def test_a_ring_that_the_ledger_cannot_give_keeps_no_other_from_being_confirmed_and_opened(
    damaged: Family,
) -> None:
    world = await World().initialised()
    ledger = CorruptFor(ledger=world.ledger)
    app = world.beside(ledger)
    await app.refresh()
    for family in Family:
        await world.rotated(family, family.value)
    ledger.ring = damaged
    world.clock.pass_time(W1)
    with pytest.raises(LedgerCorruptError, match=f"ring {damaged} is damaged"):
        await app.refresh()
    views = {Family.JWT: app.board.signing, Family.AES: app.board.cipher}
    (healthy,) = set(Family) - {damaged}
    shown, old = views[healthy], views[damaged]
    assert shown is not None
    assert old is not None
    assert (shown.ring, shown.missing) == (await world.ring(healthy), frozenset())
    assert shown.confirmed_s == world.clock.uptime_s() > old.confirmed_s


class LateOnce(PassingLedger):
    """A ledger whose next page comes late."""

    held: asyncio.Event | None = None

    async def read(self, family: Family) -> LedgerPage:
        page = await super().read(family)
        held, self.held = self.held, None
        if held is not None:
            await held.wait()
        return page


@pytest.mark.parametrize("family", list(Family))
async def test_a_look_that_began_earlier_and_ends_later_brings_nothing_back(family: Family) -> None:
    world = await World().initialised(family)
    ledger = LateOnce(ledger=world.ledger)
    app = world.beside(ledger)
    await app.refresh()
    old = (await world.ring(family)).active.kid
    await world.rotated(family)
    ledger.held = held = asyncio.Event()
    late = asyncio.create_task(app.refresh())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not late.done()
    await world.compromise(family, old, actor="test", reason="leaked")
    world.clock.pass_time(timedelta(seconds=15))
    await app.refresh()
    newest = (app.board.signing, app.board.cipher)
    held.set()
    await late
    assert (app.board.signing, app.board.cipher) == newest


async def test_a_store_that_fails_is_told_to_who_reads_beside_the_polls() -> None:
    world = await World().initialised(A)
    await world.refresh()
    await world.rotated(A)
    sought = (await world.refresh.confirm()).sought[0]
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    with pytest.raises(SecretStoreUnavailableError):
        await world.behind(plan).refresh.read(sought)


async def test_who_needs_a_view_at_once_waits_for_no_key_that_nobody_needs_yet() -> None:
    world = await World().initialised(A)
    app = world.beside()
    plan = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    watched = app.behind(plan)
    await watched.refresh(urgent_only=True)
    assert watched.board.cipher is not None
    assert watched.board.cipher.missing == frozenset()
    await world.rotated(A)
    plan.calls.clear()
    await watched.refresh(urgent_only=True)
    assert plan.calls == ["heads", "read"]
    assert watched.board.cipher is not None
    assert watched.board.cipher.missing
    await watched.refresh()
    assert watched.board.cipher.missing == frozenset()


async def test_how_far_the_ledger_s_time_is_behind_is_kept_with_what_is_read() -> None:
    world = await World().initialised(A)
    app = world.beside()
    await app.refresh()
    world.clock.step_wall(timedelta(days=3))
    await world.rotated(A)
    sought = await sought_by(app)
    assert app.board.cipher is not None
    behind = app.board.cipher.behind
    assert behind >= timedelta(days=3)
    await app.refresh.read(sought)
    assert app.board.cipher.behind == behind


async def test_a_ring_that_cannot_be_loaded_keeps_no_other_from_being_shown() -> None:
    world = await World().initialised()
    await world.store.delete(versions_folder(J).child(MARKER_NAME))
    with pytest.raises(SecretHiddenError):
        await world.refresh()
    assert world.board.signing is None
    assert world.board.cipher is not None
    assert world.board.cipher.missing == frozenset()
