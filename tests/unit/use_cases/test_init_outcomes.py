"""First keys: the answer in full, their audit, lost answers and lost races."""

import pytest

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import (
    AlreadyInitialised,
    Initialised,
)
from journal_keys.domain.paths import MARKER_NAME, SecretPath, versions_folder
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.use_cases.init_rings import LedgerMissingError
from tests.support.contested_ledger import contested_world, told
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import POLICIES, World

J, A = Family.JWT, Family.AES


async def kids(world: World, family: Family = J) -> tuple[Kid, Kid]:
    ring = await world.ring(family)
    assert ring.staged is not None
    return ring.active.kid, ring.staged.kid


async def test_first_keys_are_audited() -> None:
    world = World()
    outcome = await world.init(POLICIES[J], actor="operator:alice", reason="set up")
    active, staged = await kids(world)
    assert outcome == Initialised(family=J, active_kid=active, staged_kid=staged, generation=1)
    assert await told(world) == [
        (action, kid, "operator:alice", "set up")
        for action, kid in (("key_published", active), ("key_promoted", active), ("key_published", staged))
    ]


async def test_an_init_whose_answer_was_lost_is_found_done() -> None:
    world, contest = contested_world()
    contest.answers_lost = 1
    outcome = await world.init(POLICIES[J], actor="test", reason="set up")
    assert isinstance(outcome, Initialised)
    assert (outcome.active_kid, outcome.staged_kid) == await kids(world)


async def test_an_init_that_the_ledger_did_not_take_says_so() -> None:
    world = World()
    plan = FaultPlan(at=1, kind=FaultKind.ERROR_BEFORE)
    beside = World(clock=world.clock, store=world.store, shared_ledger=plan.wrap(world.ledger))
    with pytest.raises(LedgerUnavailableError):
        await beside.init(POLICIES[J], actor="test", reason="set up")


class LateFounder(MemorySecretStore):
    """Somebody else founds the ring while the first keys are being made."""

    rival: World | None = None

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        """Let the rival go first, once the second key is written."""
        await super().put_new(path, value)
        made = path.is_within(versions_folder(A)) and path.name != MARKER_NAME
        rival, self.rival = (self.rival, None) if made else (None, self.rival)
        if rival is not None:
            await rival.init(POLICIES[A], actor="rival", reason="faster")


async def test_an_init_that_lost_the_race_takes_its_keys_away_and_gives_the_winner_s_ring() -> None:
    store = LateFounder()
    world = World(store=store)
    store.rival = World(clock=world.clock, store=store, shared_ledger=world.ledger, seed=2)
    outcome = await world.init(POLICIES[A], actor="test", reason="set up")
    active, staged = await kids(world, A)
    assert outcome == AlreadyInitialised(family=A, active_kid=active, generation=1)
    assert set((await store.read_folder(versions_folder(A))).secrets) == {active, staged, MARKER_NAME}


async def test_a_lost_ledger_is_told_with_the_way_out() -> None:
    lost = await World().initialised(J)
    with pytest.raises(LedgerMissingError) as caught:
        await World(store=lost.store, seed=2).init(POLICIES[J], actor="test", reason="?")
    assert str(caught.value) == (
        "the store holds jwt keys and the ledger has no jwt ring: run 'journal-keys recover' to rebuild the ledger"
        " from them, or restore the ledger"
    )
