"""A caller that is overtaken between two of its looks gets the result of whoever overtook it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import AlreadyInitialised, Initialised, RotationOutcome
from journal_keys.ports.ledger import LedgerPage
from tests.support.passing_ledger import PassingLedger
from tests.support.world import POLICIES, W1, World

FAMILIES = pytest.mark.parametrize("family", list(Family))


@dataclass(kw_only=True)
class Overtaken(PassingLedger):
    """Something happens once, just before or just behind the first look at a ring."""

    before: Callable[[], Awaitable[object]] | None = None
    behind: Callable[[], Awaitable[object]] | None = None

    async def read(self, family: Family) -> LedgerPage:
        before, self.before = self.before, None
        if before:
            await before()
        page = await self.ledger.read(family)
        behind, self.behind = self.behind, None
        if behind:
            await behind()
        return page


@FAMILIES
@pytest.mark.parametrize("is_ready", [True, False], ids=["the next key is ready", "the next key must wait"])
async def test_one_id_promotes_once_though_it_was_settled_between_two_looks(family: Family, *, is_ready: bool) -> None:
    quick = await World().initialised(family)
    told: list[RotationOutcome] = []

    async def overtake() -> None:
        told.append(await quick.rotated(family, "r1"))
        if is_ready:
            quick.clock.pass_time(W1)

    slow = World(
        clock=quick.clock,
        store=quick.store,
        shared_ledger=Overtaken(ledger=quick.ledger, before=overtake),
        seed=2,
    )
    told.append(await slow.rotated(family, "r1"))
    assert told[0] == told[1]
    assert (await quick.ring(family)).active.kid == getattr(told[0], "new_kid", None)
    assert not (await quick.ledger.read(family)).waiting


@FAMILIES
async def test_a_first_start_that_is_overtaken_before_it_looks_at_the_store_finds_the_ring(family: Family) -> None:
    quick = World()
    made: list[object] = []

    async def overtake() -> None:
        made.append(await quick.init(POLICIES[family], actor="test", reason="first"))

    slow = World(
        clock=quick.clock,
        store=quick.store,
        shared_ledger=Overtaken(ledger=quick.ledger, behind=overtake),
        seed=2,
    )
    outcome = await slow.init(POLICIES[family], actor="test", reason="first")
    first = made[0]
    assert isinstance(first, Initialised)
    assert outcome == AlreadyInitialised(family=family, active_kid=first.active_kid, generation=1)
