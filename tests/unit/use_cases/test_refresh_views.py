"""Views: confirmed by one read in rest, never emptied by a failure, material opened once per kid."""

import pytest

from journal_keys.domain.keys import Family
from journal_keys.domain.paths import versions_folder
from journal_keys.ports.ledger import LedgerUnavailableError
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import W1, World


async def shown(world: World) -> World:
    await world.initialised()
    await world.refresh()
    return world


async def test_a_view_holds_every_accepted_key_of_its_ring() -> None:
    world = await shown(World())
    await world.rotated(Family.JWT, "of-jwt")
    await world.rotated(Family.AES, "of-aes")
    await world.refresh()
    jwt, aes = await world.ring(Family.JWT), await world.ring(Family.AES)
    assert world.board.signing is not None
    assert world.board.cipher is not None
    assert world.board.signing.verifying.keys() == {version.kid for version in jwt.accepted}
    assert world.board.cipher.opening.keys() == {version.kid for version in aes.accepted}
    assert world.board.signing.signing is not None
    assert world.board.signing.signing.kid == jwt.active.kid


async def test_a_compromised_key_leaves_the_view_at_the_next_refresh() -> None:
    world = await shown(World())
    kid = (await world.ring(Family.JWT)).active.kid
    await world.compromise(Family.JWT, kid, actor="test", reason="leaked")
    await world.refresh()
    assert world.board.signing is not None
    assert kid not in world.board.signing.verifying
    assert kid not in world.board.signing.signers


async def test_in_rest_a_refresh_reads_the_heads_and_nothing_else() -> None:
    world = await shown(World())
    plan = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    await world.behind(plan).refresh()
    assert plan.calls == ["heads"]


async def test_a_promotion_needs_no_read_of_the_store() -> None:
    world = await shown(World())
    staged = (await world.ring(Family.JWT)).staged
    assert staged is not None
    await world.rotated(Family.JWT)
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    reader = World(clock=world.clock, store=plan.wrap(world.store), shared_ledger=world.ledger, board=world.board)
    await reader.refresh()
    assert plan.has_struck
    assert world.board.signing is not None
    assert world.board.signing.signing is not None
    assert world.board.signing.signing.kid == staged.kid


async def test_a_failed_refresh_leaves_the_view_as_it_was() -> None:
    world = await shown(World())
    before = world.board.signing, world.board.cipher
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    reader = World(clock=world.clock, store=world.store, shared_ledger=plan.wrap(world.ledger), board=world.board)
    with pytest.raises(LedgerUnavailableError):
        await reader.refresh()
    assert (world.board.signing, world.board.cipher) == before


async def test_a_view_is_confirmed_as_of_before_the_ledger_was_asked() -> None:
    world = await shown(World())
    world.clock.pass_time(W1)
    await world.refresh()
    assert world.board.signing is not None
    assert world.board.signing.confirmed_s == world.clock.uptime_s()


async def test_lost_material_of_an_old_aes_key_is_told_and_the_others_serve() -> None:
    world = await World().initialised(Family.AES)
    old = (await world.ring(Family.AES)).active.kid
    await world.rotated(Family.AES)
    await world.store.delete(versions_folder("aes").child(old))
    await world.refresh()
    assert world.board.cipher is not None
    assert world.board.cipher.missing == {old}
    assert world.board.cipher.sealing is not None


async def test_encryptions_of_all_processes_are_added_up() -> None:
    world = await shown(World())
    other = world.beside()
    await other.refresh()
    kid = (await world.ring(Family.AES)).active.kid
    for process, count in ((world, 3), (other, 4)):
        for _ in range(count):
            process.budget.spend(kid)
        await process.report_usage()
    assert other.budget.total(kid) == 7
