"""Compromise: the answer in full, its audit, and what happens when a rival or a fault comes between."""

from datetime import datetime, timedelta

import pytest

from journal_keys.domain import canonical, rotation
from journal_keys.domain.changes import RotationStatus
from journal_keys.domain.exposure import expose
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.outcomes import (
    BlastRadius,
    Compromised,
)
from journal_keys.domain.paths import compromised_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import StaleGenerationError
from journal_keys.use_cases.rotate_keys import RingMissingError
from tests.support.contested_ledger import contested_world, told, touch
from tests.support.world import START, W1, WINDOWS, World

J, A = Family.JWT, Family.AES

SECOND = timedelta(seconds=1)
TOKEN = WINDOWS.view_ttl + WINDOWS.longest_token


async def kids(world: World, family: Family = J) -> tuple[Kid, Kid]:
    ring = await world.ring(family)
    assert ring.staged is not None
    return ring.active.kid, ring.staged.kid


def radius(begin: datetime, end: datetime, token: datetime | None, successor: datetime | None) -> BlastRadius:
    return BlastRadius(
        exposed_from=begin,
        exposed_until=end,
        last_token_expires_at=token,
        laggards_until=START + W1 + SECOND + WINDOWS.jwks_max_age + WINDOWS.poll,
        successor_unknown_until=successor,
    )


NOW = START + W1 + SECOND


@pytest.mark.parametrize(
    ("family", "which", "was", "expected"),
    [
        (J, "active", KeyState.ACTIVE, radius(START + W1, NOW, NOW + TOKEN, START + W1 + W1)),
        (A, "active", KeyState.ACTIVE, radius(START + W1, NOW, None, START + W1 + W1)),
        (J, "staged", KeyState.PRE_ACTIVATION, radius(START + W1, NOW, None, None)),
        (J, "old", KeyState.DEACTIVATED, radius(START, START + W1, START + W1 + TOKEN, None)),
        (A, "old", KeyState.DEACTIVATED, radius(START, START + W1, None, None)),
    ],
)
async def test_a_compromise_is_answered_in_full(
    family: Family, which: str, was: KeyState, expected: BlastRadius
) -> None:
    world = await World().initialised(family)
    old, _ = await kids(world, family)
    await world.rotated(family)
    active, staged = await kids(world, family)
    kid = {"old": old, "active": active, "staged": staged}[which]
    world.clock.pass_time(SECOND)
    generation = (await world.ring(family)).generation
    assert await world.compromise(family, kid, actor="operator:alice", reason="leaked") == Compromised(
        family=family,
        kid=kid,
        was=was,
        active_kid=staged if which == "active" else active,
        generation=generation + 1,
        blast_radius=expected,
    )


async def test_a_compromise_is_audited_entombed_and_settles_who_waits() -> None:
    world = await World().initialised(J)
    await world.rotated(J, "first")
    active, staged = await kids(world)
    await world.rotated(J, "second")
    while await world.hints.wait(0):
        pass
    before = await world.verify_audit()
    await world.compromise(J, active, actor="operator:alice", reason="leaked")
    _, successor = await kids(world)
    assert await told(world, after=before.sequence) == [
        ("key_compromised", active, "operator:alice", "leaked"),
        ("key_promoted", staged, "operator:alice", "leaked"),
        ("key_published", successor, "operator:alice", "leaked"),
    ]
    stone = (await world.store.read_folder(compromised_folder(J))).secrets[active]
    assert canonical.from_json(expose(stone).decode()) == {"v": 1, "kid": active, "at": (START + W1).isoformat()}
    assert [r.status for r in await world.ledger.rotations("second")] == [RotationStatus.PROMOTED]
    assert await world.hints.wait(0)


async def bare(world: World) -> KeyRing:
    """The ring after its staged key was destroyed."""
    ring = await world.ring(J)
    assert ring.staged is not None
    gone = (ring.staged,)
    cause = Cause(at=START, actor="test", reason="lost")
    return (await world.ledger.commit(lambda at: rotation.retire(ring, gone, cause.when(at)))).ring


async def test_an_active_key_without_a_successor_gets_one_before_it_is_compromised() -> None:
    world = await World().initialised(J)
    ring = await bare(world)
    before = await world.verify_audit()
    outcome = await world.compromise(J, ring.active.kid, actor="operator:alice", reason="leaked")
    assert isinstance(outcome, Compromised)
    assert (await told(world, after=before.sequence))[0][::2] == ("key_published", "operator:alice")
    assert outcome.active_kid != ring.active.kid


async def test_an_old_key_is_compromised_at_once_though_nothing_is_staged() -> None:
    world = await World().initialised(J)
    old, _ = await kids(world)
    await world.rotated(J)
    await bare(world)
    before = await world.verify_audit()
    await world.compromise(J, old, actor="test", reason="leaked")
    assert [action for action, *_ in await told(world, after=before.sequence)] == ["key_compromised", "key_published"]


async def test_a_compromise_goes_on_when_others_change_the_ring_and_gives_up_after_eight() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    active, staged = await kids(world)
    contest.rivals = [(J, touch)] * 8
    with pytest.raises(StaleGenerationError) as caught:
        await world.compromise(J, active, actor="test", reason="leaked")
    assert str(caught.value) == "ring jwt changed 8 times meanwhile: try again"
    contest.rivals = [(J, touch)] * 7
    outcome = await world.compromise(J, active, actor="test", reason="leaked")
    assert isinstance(outcome, Compromised)
    assert outcome.active_kid == staged


async def test_a_compromise_whose_answer_was_lost_is_found_done() -> None:
    world, contest = contested_world()
    await world.initialised(J)
    active, _ = await kids(world)
    contest.answers_lost = 1
    outcome = await world.compromise(J, active, actor="test", reason="leaked")
    assert isinstance(outcome, Compromised)
    assert (outcome.kid, outcome.unfinished) == (active, None)
    assert outcome.blast_radius.exposed_until == START + W1


async def test_no_ring_no_compromise() -> None:
    with pytest.raises(RingMissingError) as caught:
        await World().compromise(J, Kid("jwt_x"), actor="test", reason="?")
    assert str(caught.value) == "the ledger has no jwt ring: run 'journal-keys init' first"
