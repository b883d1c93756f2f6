"""One test per sentence of `ports.ledger`, for every adapter."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain import audit_chain, rotation
from journal_keys.domain.changes import RingChange, RotationStatus
from journal_keys.domain.errors import TransitionError
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.ledger_clock import ClockWentBackError
from journal_keys.ports.ledger import Ledger, LedgerPage, StaleGenerationError
from tests.support.ledger_contract import (
    CAUSE,
    SKEW,
    START,
    YEAR,
    Ports,
    at_once,
    every_state,
    fact,
    founding,
    key,
    opened,
    record,
    too_late,
)

HOUR = timedelta(hours=1)
NUMBER = "AQAB"
COORDINATE = "A" * 42 + "E"


@pytest.fixture
def ledger(ports: Ports) -> Ledger:
    return ports.ledger


async def everything(ports: Ports) -> tuple[object, ...]:
    """All that the ports show of a ledger, its time apart."""
    pages = [await ports.ledger.read(family) for family in Family]
    heads = dict(await ports.ledger.heads())
    named = list(await ports.ledger.rotations("nightly-7"))
    return (heads, [(page.ring, page.waiting) for page in pages], named, list(await ports.trail.entries()))


async def ring_of(ledger: Ledger, family: Family = Family.JWT) -> KeyRing:
    page = await ledger.read(family)
    assert page.ring is not None
    return page.ring


async def test_a_new_ledger_has_no_heads(ledger: Ledger) -> None:
    assert dict(await ledger.heads()) == {}


async def test_a_new_ledger_positively_has_no_ring_and_stands_at_the_hosts_time(ledger: Ledger) -> None:
    assert await ledger.read(Family.AES) == LedgerPage(now=START, ring=None, waiting=())


async def test_heads_give_generation_and_moment_of_every_ring(ledger: Ledger) -> None:
    jwt, aes = founding(Family.JWT), founding(Family.AES)
    await ledger.commit(at_once(jwt))
    await ledger.commit(at_once(aes))
    await ledger.commit(at_once(opened(jwt.ring)))
    assert dict(await ledger.heads()) == {Family.JWT: opened(jwt.ring).ring.head, Family.AES: aes.ring.head}


@pytest.mark.parametrize("family", Family)
async def test_every_field_of_every_version_comes_back_as_it_was_committed(ledger: Ledger, family: Family) -> None:
    ring = every_state(family)
    await ledger.commit(at_once(RingChange(ring=ring, facts=(), founding=True)))
    assert await ring_of(ledger, family) == ring


@pytest.mark.parametrize(
    ("algorithm", "members"),
    [
        (Algorithm.ES256, {"kty": "EC", "crv": "P-256", "x": COORDINATE, "y": COORDINATE}),
        (Algorithm.RS256, {"kty": "RSA", "n": NUMBER, "e": NUMBER}),
    ],
    ids=["an elliptic curve", "RSA"],
)
async def test_every_kind_of_public_key_comes_back(
    ledger: Ledger, algorithm: Algorithm, members: dict[str, str]
) -> None:
    jwk = PublicJwk.from_members(members)
    other = replace(key(Family.JWT, 2), algorithm=algorithm, public_jwk=jwk)
    await ledger.commit(at_once(rotation.found(key(Family.JWT, 1), other, CAUSE)))
    assert (await ring_of(ledger)).staged == other


async def test_a_transition_of_a_committed_version_comes_back(ledger: Ledger) -> None:
    first = founding()
    await ledger.commit(at_once(first))
    promoted = rotation.promote(first.ring, CAUSE)
    await ledger.commit(at_once(promoted))
    published = rotation.publish(promoted.ring, key(Family.JWT, 3, at=START + HOUR), CAUSE)
    await ledger.commit(at_once(published))
    assert await ring_of(ledger) == published.ring


async def test_a_ring_is_read_oldest_publication_first(ledger: Ledger) -> None:
    ring = every_state(Family.JWT)
    await ledger.commit(at_once(RingChange(ring=replace(ring, versions=ring.versions[::-1]), facts=(), founding=True)))
    assert (await ring_of(ledger)).versions == ring.versions


async def test_a_change_of_one_ring_leaves_the_other_as_it_was(ledger: Ledger) -> None:
    jwt, aes = founding(Family.JWT), founding(Family.AES)
    await ledger.commit(at_once(jwt))
    await ledger.commit(at_once(aes))
    await ledger.commit(at_once(rotation.promote(jwt.ring, CAUSE)))
    assert await ring_of(ledger, Family.AES) == aes.ring


async def test_a_page_holds_the_open_rotations_of_its_family_only_and_none_that_is_promoted(ledger: Ledger) -> None:
    first = founding()
    await ledger.commit(at_once(first))
    await ledger.commit(at_once(founding(Family.AES)))
    waiting = opened(first.ring)
    await ledger.commit(at_once(waiting))
    assert (await ledger.read(Family.JWT)).waiting == waiting.rotations
    assert (await ledger.read(Family.AES)).waiting == ()
    await ledger.commit(at_once(rotation.promote(waiting.ring, CAUSE, waiting.rotations)))
    assert (await ledger.read(Family.JWT)).waiting == ()


async def test_every_field_of_a_settled_rotation_comes_back(ledger: Ledger) -> None:
    first = founding()
    await ledger.commit(at_once(first))
    settled = rotation.promote(first.ring, CAUSE, (record(),))
    await ledger.commit(at_once(settled))
    assert tuple(await ledger.rotations("nightly-7")) == settled.rotations
    assert settled.rotations[0].status is RotationStatus.PROMOTED


async def test_a_rotation_id_gives_the_record_of_every_family(ledger: Ledger) -> None:
    for family in Family:
        await ledger.commit(at_once(founding(family)))
        await ledger.commit(at_once(opened(await ring_of(ledger, family))))
    found = await ledger.rotations("nightly-7")
    assert {one.family: one for one in found} == {family: record(family=family) for family in Family}


async def test_a_rotation_id_that_was_never_used_gives_none(ledger: Ledger) -> None:
    assert list(await ledger.rotations("never")) == []


@pytest.mark.parametrize("generation", [1, 7, 2**40])
async def test_a_ring_may_be_founded_at_any_generation(ledger: Ledger, generation: int) -> None:
    first = founding()
    await ledger.commit(at_once(replace(first, ring=replace(first.ring, generation=generation))))
    assert (await ring_of(ledger)).generation == generation


STALE: dict[str, Callable[[KeyRing], RingChange]] = {
    "a generation that is past": lambda ring: replace(opened(ring), ring=replace(ring, generation=1)),
    "a generation that is to come": lambda ring: too_late(opened(ring)),
    "the generation that there is": lambda ring: replace(opened(ring), ring=ring),
    "founding what exists": lambda ring: replace(opened(ring), founding=True),
}


@pytest.mark.parametrize("stale", STALE.values(), ids=STALE.keys())
async def test_a_stale_change_is_refused_and_changes_nothing(
    ports: Ports, stale: Callable[[KeyRing], RingChange]
) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    await ports.ledger.commit(at_once(opened(first.ring, "another")))
    before = await everything(ports)
    with pytest.raises(StaleGenerationError):
        await ports.ledger.commit(at_once(stale(opened(first.ring, "another").ring)))
    assert await everything(ports) == before


async def test_a_change_of_a_ring_that_does_not_exist_is_refused_and_changes_nothing(ports: Ports) -> None:
    before = await everything(ports)
    with pytest.raises(StaleGenerationError):
        await ports.ledger.commit(at_once(opened(founding().ring)))
    assert await everything(ports) == before


async def test_ring_rotations_and_facts_of_one_change_are_all_there_after_it(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    change = rotation.promote(first.ring, CAUSE, (record(),))
    await ports.ledger.commit(at_once(change))
    assert await ring_of(ports.ledger) == change.ring
    assert tuple(await ports.ledger.rotations("nightly-7")) == change.rotations
    assert tuple(entry.fact for entry in await ports.trail.entries()) == first.facts + change.facts


async def attempt(ledger: Ledger, change: RingChange) -> bool:
    try:
        await ledger.commit(at_once(change))
    except StaleGenerationError:
        return False
    return True


async def test_of_twenty_concurrent_changes_of_one_generation_exactly_one_wins(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    changes = [opened(first.ring, f"rotation-{number}") for number in range(20)]
    won = await asyncio.gather(*(attempt(ports.ledger, change) for change in changes))
    assert sum(won) == 1
    assert (await ports.ledger.read(Family.JWT)).waiting == changes[won.index(True)].rotations
    entries = await ports.trail.entries()
    assert audit_chain.verify(entries).sequence == len(first.facts) + 1


async def test_of_twenty_concurrent_foundings_exactly_one_wins(ports: Ports) -> None:
    won = await asyncio.gather(*(attempt(ports.ledger, founding()) for _ in range(20)))
    assert sum(won) == 1
    assert tuple(entry.fact for entry in await ports.trail.entries()) == founding().facts


async def test_concurrent_changes_of_both_rings_leave_one_chain(ports: Ports) -> None:
    await asyncio.gather(*(ports.ledger.commit(at_once(founding(family))) for family in Family))
    assert audit_chain.verify(await ports.trail.entries()).sequence == 6


async def test_the_ledgers_time_passes_as_time_does(ledger: Ledger, clock: ManualClock) -> None:
    await ledger.commit(at_once(founding()))
    clock.pass_time(HOUR)
    assert (await ledger.read(Family.JWT)).now == START + HOUR


async def test_a_clock_set_forward_a_year_does_not_advance_the_ledgers_time(ledger: Ledger, clock: ManualClock) -> None:
    first = founding()
    await ledger.commit(at_once(first))
    clock.step_wall(YEAR)
    clock.pass_time(HOUR)
    assert (await ledger.read(Family.JWT)).now == START + HOUR
    await ledger.commit(at_once(opened(first.ring)))
    clock.pass_time(HOUR)
    assert (await ledger.read(Family.JWT)).now == START + 2 * HOUR


async def test_a_clock_set_back_a_year_is_refused_by_read(ledger: Ledger, clock: ManualClock) -> None:
    await ledger.commit(at_once(founding()))
    clock.step_wall(-YEAR)
    with pytest.raises(ClockWentBackError):
        await ledger.read(Family.JWT)


async def test_a_clock_set_back_a_year_is_refused_by_commit_and_changes_nothing(
    ports: Ports, clock: ManualClock
) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    before = await everything(ports)
    clock.step_wall(-YEAR)
    with pytest.raises(ClockWentBackError):
        await ports.ledger.commit(at_once(opened(first.ring)))
    clock.step_wall(YEAR)
    assert await everything(ports) == before
    assert (await ports.ledger.read(Family.JWT)).now == START


async def test_a_clock_set_back_within_the_skew_does_not_move_the_ledgers_time_back(
    ledger: Ledger, clock: ManualClock
) -> None:
    await ledger.commit(at_once(founding()))
    clock.step_wall(-SKEW)
    assert (await ledger.read(Family.JWT)).now == START
    clock.reboot()
    assert (await ledger.read(Family.JWT)).now == START


async def test_a_change_is_made_for_the_moment_of_its_commit_and_given_back(ports: Ports, clock: ManualClock) -> None:
    asked: list[datetime] = []

    def transition(at: datetime) -> RingChange:
        asked.append(at)
        return founding()

    await ports.keeper.keep_clock()
    clock.pass_time(HOUR)
    assert await ports.ledger.commit(transition) == founding()
    assert asked == [START + HOUR]


async def test_a_result_is_kept_beside_the_rings_with_its_fact(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    settled = record("second").settled(old=Kid("jwt_0001"), new=Kid("jwt_0002"), ring=first.ring)
    await ports.ledger.settle(settled, fact("rotation_joined"))
    assert await ports.ledger.rotations("second") == [settled]
    assert (await ports.ledger.read(Family.JWT)).ring == first.ring
    assert [entry.fact.action for entry in await ports.trail.entries()][-1] == "rotation_joined"


async def test_a_result_replaces_a_waiting_record_and_never_another_result(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    await ports.ledger.commit(at_once(opened(first.ring, "second")))
    settled = record("second").settled(old=Kid("jwt_0001"), new=Kid("jwt_0002"), ring=first.ring)
    await ports.ledger.settle(settled, fact("rotation_joined"))
    before = await everything(ports)
    await ports.ledger.settle(replace(settled, new_kid=Kid("jwt_0009")), fact("rotation_joined"))
    assert await everything(ports) == before
    assert await ports.ledger.rotations("second") == [settled]
    assert (await ports.ledger.read(Family.JWT)).waiting == ()


async def test_a_transition_that_refuses_changes_nothing(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    before = await everything(ports)
    with pytest.raises(TransitionError):
        await ports.ledger.commit(lambda at: rotation.compromise(first.ring, Kid("jwt_0001"), refusing(at)))
    assert await everything(ports) == before


def refusing(_at: datetime) -> rotation.Cause:
    """A cause that cannot be had."""
    raise TransitionError("planned")


async def test_a_stale_change_does_not_move_the_ledgers_clock(ledger: Ledger, clock: ManualClock) -> None:
    first = founding()
    await ledger.commit(at_once(first))
    clock.step_wall(YEAR)
    with pytest.raises(StaleGenerationError):
        await ledger.commit(at_once(too_late(opened(first.ring))))
    clock.step_wall(-YEAR)
    assert (await ledger.read(Family.JWT)).now == START


async def test_reading_does_not_move_the_ledgers_clock(ledger: Ledger, clock: ManualClock) -> None:
    await ledger.commit(at_once(founding()))
    clock.step_wall(YEAR)
    await ledger.read(Family.JWT)
    clock.step_wall(-YEAR)
    assert (await ledger.read(Family.JWT)).now == START
