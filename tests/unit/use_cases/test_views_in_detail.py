"""What exactly a refresh shows: when it was confirmed, what is missing, what was read, what was counted."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from journal_keys.domain import rotation
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.paths import MARKER_NAME, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import SecretHiddenError
from journal_keys.ports.view_board import CipherView, SigningView
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import W1, World

J, A = Family.JWT, Family.AES


@dataclass
class SlowUsage(KeyUsage):
    """A counter that lets others go first."""

    counter: KeyUsage

    async def add(self, kid: Kid, encryptions: int) -> int:
        await asyncio.sleep(0)
        return await self.counter.add(kid, encryptions)

    async def total(self, kid: Kid) -> int:
        await asyncio.sleep(0)
        return await self.counter.total(kid)


def views(world: World) -> tuple[SigningView, CipherView]:
    assert world.board.signing is not None
    assert world.board.cipher is not None
    return world.board.signing, world.board.cipher


async def test_a_refresh_shows_both_rings_as_of_then() -> None:
    world = await World().initialised()
    await world.refresh()
    signing, cipher = views(world)
    for view, family in ((signing, J), (cipher, A)):
        ring = await world.ring(family)
        assert view.ring == ring
        assert view.confirmed_s == W1.total_seconds()
        assert view.missing == frozenset()
    ring = await world.ring(J)
    assert ring.staged is not None
    assert signing.signers.keys() == {ring.active.kid, ring.staged.kid}
    assert cipher.sealing is cipher.opening[(await world.ring(A)).active.kid]


async def test_in_rest_a_view_is_confirmed_again_and_nothing_else_of_it_changes() -> None:
    world = await World().initialised()
    await world.refresh()
    signing, cipher = views(world)
    world.clock.pass_time(W1)
    await world.refresh()
    confirmed_s = 2 * W1.total_seconds()
    new_signing, new_cipher = views(world)
    assert (new_signing.confirmed_s, new_signing.ring) == (confirmed_s, signing.ring)
    assert (new_cipher.confirmed_s, new_cipher.ring) == (confirmed_s, cipher.ring)
    assert (new_signing.verifying, new_cipher.opening) == (signing.verifying, cipher.opening)


async def test_after_a_rotation_keys_that_are_open_are_not_opened_again() -> None:
    world = await World().initialised()
    await world.refresh()
    signing, cipher = views(world)
    for family in Family:
        await world.rotated(family, family.value)
    world.clock.pass_time(W1)
    await world.refresh()
    new_signing, new_cipher = views(world)
    promoted = (await world.ring(J)).active.kid
    assert new_signing.signing is signing.signers[promoted]
    assert new_signing.verifying[promoted] is signing.verifying[promoted]
    assert all(new_cipher.opening[kid] is key for kid, key in cipher.opening.items())
    assert len(new_cipher.opening) == 3
    assert {view.confirmed_s for view in views(world)} == {2 * W1.total_seconds()}
    ring = await world.ring(J)
    assert ring.staged is not None
    assert new_signing.signers.keys() == {ring.active.kid, ring.staged.kid}


@pytest.mark.parametrize("family", list(Family))
async def test_one_ring_alone_is_shown_alone(family: Family) -> None:
    world = await World().initialised(family)
    await world.refresh()
    assert (world.board.signing is not None, world.board.cipher is not None) == (family is J, family is A)


async def test_a_missing_staged_key_is_told_and_sought_at_every_refresh_until_it_is_there() -> None:
    world = await World().initialised(J)
    staged = (await world.ring(J)).staged
    assert staged is not None
    path = versions_folder(J).child(staged.kid)
    line = (await world.store.read_folder(path.folder)).secrets[staged.kid]
    await world.store.delete(path)
    await world.refresh()
    assert world.board.signing is not None
    assert world.board.signing.missing == {staged.kid}
    assert staged.kid in world.board.signing.verifying
    await world.store.put_new(path, line)
    await world.refresh()
    assert world.board.signing.missing == frozenset()
    assert staged.kid in world.board.signing.signers


async def test_a_lost_old_key_is_not_sought_at_every_refresh_and_found_soon_after_it_is_back() -> None:
    world = await World().initialised(A)
    path = versions_folder(A).child((await world.ring(A)).active.kid)
    await world.rotated(A)
    line = (await world.store.read_folder(path.folder)).secrets[path.name]
    await world.store.delete(path)
    await world.refresh()
    assert world.board.cipher is not None
    assert world.board.cipher.missing == world.board.cipher.lost == {path.name}
    await world.store.put_new(path, line)
    plan = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    world.clock.pass_time(timedelta(minutes=4))
    await world.behind(plan).refresh()
    assert plan.calls == ["heads"]
    world.clock.pass_time(timedelta(minutes=1))
    await world.behind(plan).refresh()
    assert plan.calls == ["heads", "heads", "read_folder"]
    assert world.board.cipher is not None
    assert world.board.cipher.missing == world.board.cipher.lost == frozenset()
    assert path.name in world.board.cipher.opening


async def test_a_ring_without_a_staged_key_is_shown_whole() -> None:
    world = await World().initialised(J)
    ring = await world.ring(J)
    assert ring.staged is not None
    gone = (ring.staged,)
    await world.ledger.commit(lambda at: rotation.retire(ring, gone, Cause(at=at, actor="test", reason="lost")))
    await world.refresh()
    assert world.board.signing is not None
    assert world.board.signing.signers.keys() == {ring.active.kid}
    assert world.board.signing.missing == frozenset()


async def test_a_store_that_shows_no_marker_opens_no_first_view() -> None:
    world = await World().initialised(J)
    await world.store.delete(versions_folder(J).child(MARKER_NAME))
    with pytest.raises(SecretHiddenError):
        await world.refresh()
    assert world.board.signing is None


async def test_a_store_that_fails_costs_a_ring_only_what_nobody_needs_now() -> None:
    world = await World().initialised(A)
    await world.refresh()
    await world.rotated(A)
    plan = FaultPlan(at=2, kind=FaultKind.ERROR_BEFORE)
    await world.behind(plan).refresh()
    assert plan.calls[:3] == ["heads", "read", "read_folder"]
    ring = await world.ring(A)
    assert ring.staged is not None
    assert world.board.cipher is not None
    assert world.board.cipher.missing == {ring.staged.kid}
    assert world.board.cipher.sealing is world.board.cipher.opening[ring.active.kid]


async def test_usage_is_asked_once_and_then_reported_only_when_there_is_some() -> None:
    world = await World().initialised(A)
    kid = (await world.ring(A)).active.kid
    other = world.beside()
    await other.refresh()
    other.budget.spend(kid)
    await other.report_usage()
    await world.refresh()
    await world.report_usage()
    assert (world.budget.is_known(kid), world.budget.total(kid)) == (True, 1)
    quiet = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    await world.behind(quiet).report_usage()
    assert quiet.calls == []
    world.budget.spend(kid)
    busy = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    await world.behind(busy).report_usage()
    assert busy.calls == ["add"]
    assert (world.budget.total(kid), world.budget.unreported()) == (2, {})
    assert await world.report_usage.usage.total(kid) == 2


async def test_two_reports_at_once_add_each_encryption_once() -> None:
    world = await World().initialised(A)
    kid = (await world.ring(A)).active.kid
    await world.refresh()
    for _ in range(3):
        world.budget.spend(kid)
    slow = replace(world.report_usage, usage=SlowUsage(world.report_usage.usage))
    await asyncio.gather(slow(), slow())
    assert await world.report_usage.usage.total(kid) == 3
    assert (world.budget.total(kid), world.budget.unreported()) == (3, {})


async def test_a_count_that_could_not_be_reported_is_reported_the_next_time() -> None:
    world = await World().initialised(A)
    kid = (await world.ring(A)).active.kid
    await world.refresh()
    world.budget.spend(kid)
    world.budget.spend(kid)
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    with pytest.raises(LedgerUnavailableError):
        await replace(world.report_usage, usage=plan.wrap(world.report_usage.usage))()
    assert (world.budget.unreported(), world.budget.total(kid)) == ({kid: 2}, 2)
    world.budget.spend(kid)
    await world.report_usage()
    assert await world.report_usage.usage.total(kid) == 3


async def test_the_first_report_of_nothing_asks_for_the_count_and_writes_none() -> None:
    world = await World().initialised(A)
    await world.refresh()
    plan = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    await world.behind(plan).report_usage()
    assert plan.calls == ["total"]
