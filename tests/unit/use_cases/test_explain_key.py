"""Why is this key so: its last fact, its next event, and when that is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from journal_keys.domain.errors import UnknownKeyError
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.outcomes import Explanation
from tests.support.world import POLICIES, START, W1, W2, World

DUE = {family: START + policy.interval for family, policy in POLICIES.items()}


async def kids(world: World, family: Family) -> tuple[Kid, Kid]:
    ring = await world.ring(family)
    assert ring.staged is not None
    return ring.active.kid, ring.staged.kid


@pytest.mark.parametrize("family", list(Family))
async def test_a_ring_in_rest_is_explained(family: Family) -> None:
    world = await World().initialised()
    active, staged = await kids(world, family)
    assert await world.explain(active) == Explanation(
        family=family,
        kid=active,
        state=KeyState.ACTIVE,
        since=START,
        because="key_promoted by test: first keys",
        next_event="it is demoted by the next rotation",
        next_at=DUE[family],
    )
    assert await world.explain(staged) == Explanation(
        family=family,
        kid=staged,
        state=KeyState.PRE_ACTIVATION,
        since=START,
        because="key_published by test: first keys",
        next_event="it is promoted by the next rotation",
        next_at=DUE[family],
    )


async def test_a_staged_key_is_promoted_when_both_the_interval_and_the_gate_allow() -> None:
    world = await World().initialised(Family.JWT)
    _, staged = await kids(world, Family.JWT)
    short = replace(POLICIES[Family.JWT], interval=timedelta(seconds=1))
    explain = replace(world.explain, policies={Family.JWT: short})
    assert (await explain(staged)).next_at == START + W1


async def test_a_staged_key_that_somebody_waits_for_is_promoted_when_the_gate_allows() -> None:
    world = await World().initialised(Family.JWT)
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    _, staged = await kids(world, Family.JWT)
    assert (await world.explain(staged)).next_at == START + W1 + W1


@pytest.mark.parametrize(
    ("family", "event", "at"),
    [
        (Family.JWT, "it is destroyed, past its last token", START + W1 + W2),
        (Family.AES, "it decrypts until it is proved that nothing uses it", None),
    ],
)
async def test_a_demoted_key_is_explained(family: Family, event: str, at: object) -> None:
    world = await World().initialised()
    old, _ = await kids(world, family)
    await world.rotated(family)
    told = await world.explain(old)
    assert (told.state, told.since, told.next_event, told.next_at) == (KeyState.DEACTIVATED, START + W1, event, at)
    assert told.because == "key_demoted by test: test"


async def test_a_compromised_and_a_destroyed_key_have_no_future() -> None:
    world = await World().initialised(Family.JWT)
    old, _ = await kids(world, Family.JWT)
    await world.rotated(Family.JWT)
    world.clock.pass_time(W2)
    await world.retire(Family.JWT, actor="test", reason="old")
    active, _ = await kids(world, Family.JWT)
    await world.compromise(Family.JWT, active, actor="test", reason="leaked")
    for kid, state, event, because in (
        (old, KeyState.DESTROYED, "nothing: its material is gone", "key_destroyed by test: old"),
        (active, KeyState.COMPROMISED, "nothing: it is never used again", "key_compromised by test: leaked"),
    ):
        told = await world.explain(kid)
        assert (told.state, told.next_event, told.next_at, told.because) == (state, event, None, because)


async def test_a_trail_that_does_not_name_the_key_says_so() -> None:
    world = await World().initialised(Family.AES)
    active, _ = await kids(world, Family.AES)
    elsewhere = await World().initialised(Family.JWT)
    told = await replace(world.explain, trail=elsewhere.trail)(active)
    assert told.because == "the audit trail does not name it"


async def test_an_unknown_kid_has_no_explanation() -> None:
    with pytest.raises(UnknownKeyError) as caught:
        await (await World().initialised(Family.AES)).explain(Kid("jwt_nobody"))
    assert str(caught.value) == "no ring ever had a key jwt_nobody; 'keys list' shows those there are"


async def test_the_last_fact_of_a_key_is_found_among_many_of_others() -> None:
    world = await World().initialised()
    active, staged = await kids(world, Family.JWT)
    fact = (await world.trail.entries())[0].fact
    for number in range(2_500):
        touched = staged if number == 1_200 else None
        await world.trail.append(replace(fact, action=f"looked_at_{number}", kid=touched))
    assert (await world.explain(staged)).because == f"looked_at_1200 by test: {fact.reason}"
    assert (await world.explain(active)).because == "key_promoted by test: first keys"
