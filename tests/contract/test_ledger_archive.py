"""One test per sentence of `ports.ledger_archive`, for every adapter."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain import audit_chain, rotation
from journal_keys.domain.changes import OF_NO_KEY, AuditFact, RingChange
from journal_keys.domain.errors import TransitionError
from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.ledger_clock import ClockWentBackError
from journal_keys.domain.ledger_copy import LedgerCopy, Refounding, RingsPutBack, from_document, to_document
from journal_keys.ports.ledger import StaleGenerationError
from journal_keys.ports.ledger_archive import LedgerNotEmptyError
from tests.support.ledger_contract import (
    CAUSE,
    SKEW,
    START,
    Ports,
    PortsFactory,
    at_once,
    every_state,
    fact,
    founding,
    key,
    moved_on,
    opened,
    record,
)

HOUR = timedelta(hours=1)
REFOUNDED = fact("ledger_refounded")
Heads: TypeAlias = Mapping[Family, RingHead | None]


@pytest.fixture
async def other(factory: PortsFactory, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ports]:
    """Another ledger, on the same host."""
    (tmp_path / "other").mkdir()
    async with factory(tmp_path / "other", clock) as opened_ports:
        yield opened_ports


async def fill(ports: Ports, clock: ManualClock) -> LedgerCopy:
    """Put something everywhere, and give the copy of that."""
    ledger = ports.ledger
    await ledger.commit(at_once(RingChange(ring=every_state(Family.AES), facts=(fact("recovered"),), founding=True)))
    first = founding()
    await ledger.commit(at_once(first))
    settled = rotation.promote(first.ring, CAUSE, (record("Nightly"), record("nightly-7")))
    await ledger.commit(at_once(settled))
    await ledger.commit(at_once(opened(settled.ring, "waiting")))
    await ports.usage.add(Kid("aes_0004"), 2**40)
    await ports.secrets.introduce("whs_b", actor="ops", reason="it was time")
    clock.pass_time(HOUR)
    await ports.secrets.introduce("whs_a", actor="ops", reason="it was time")
    await ports.secrets.confirm("whs_a")
    await ports.trail.append(fact("backup_written", größe="1"))
    return await ports.archive.copy()


def as_it_is(copy: LedgerCopy, *facts: AuditFact) -> Callable[[datetime], Refounding]:
    """Go on with the rings of the copy."""
    return lambda _at: Refounding(rings=copy.rings, facts=facts)


def rings(*facts: AuditFact, **by_family: KeyRing | None) -> Callable[[datetime], RingsPutBack]:
    """Put these rings back."""
    put_back = {Family(name): ring for name, ring in by_family.items()}
    return lambda _at: RingsPutBack(rings=put_back, facts=facts)


def refusing(_at: datetime) -> RingsPutBack:
    raise TransitionError("planned")


async def ring_of(ports: Ports, family: Family = Family.JWT) -> KeyRing | None:
    return (await ports.ledger.read(family)).ring


async def test_the_copy_of_a_new_ledger_is_empty(ports: Ports) -> None:
    assert await ports.archive.copy() == LedgerCopy(
        time=None, rings={}, rotations=(), usage={}, webhook_secrets=(), entries=()
    )


async def test_a_copy_holds_all_that_the_other_ports_show(ports: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)
    assert copy.rings == {family: await ring_of(ports, family) for family in Family}
    named = [one for name in ("Nightly", "nightly-7", "waiting") for one in await ports.ledger.rotations(name)]
    assert list(copy.rotations) == named
    assert copy.usage == {Kid("aes_0004"): 2**40}
    assert copy.webhook_secrets == (await ports.secrets.known_secrets()).made
    assert list(copy.entries) == list(await ports.trail.entries())
    assert copy.time is not None
    assert copy.time.at == START + HOUR
    assert copy.time.reading == clock.read()


async def test_a_copy_is_a_document_and_back(ports: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)
    assert from_document(to_document(copy)) == copy


async def test_copying_changes_nothing(ports: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)
    clock.pass_time(HOUR)
    assert await ports.archive.copy() == copy


async def test_a_copy_is_of_one_moment_whatever_others_change_meanwhile(ports: Ports) -> None:
    ring = founding().ring
    await ports.ledger.commit(at_once(replace(founding(), facts=(fact(),))))

    async def changes() -> None:
        last = ring
        for _ in range(20):
            last = (await ports.ledger.commit(at_once(moved_on(last)))).ring

    changing = asyncio.create_task(changes())
    while not changing.done():
        copy = await ports.archive.copy()
        assert copy.rings[Family.JWT].generation == len(copy.entries)
        await asyncio.sleep(0)
    await changing


async def test_a_trail_of_any_length_is_copied_and_refounded_whole(ports: Ports, other: Ports) -> None:
    entries, head = [], audit_chain.EMPTY
    for number in range(12_345):
        entries.append(audit_chain.link(head, fact(number=str(number))))
        head = audit_chain.head_of(entries[-1])
    long = LedgerCopy(time=None, rings={}, rotations=(), usage={}, webhook_secrets=(), entries=tuple(entries))
    await ports.archive.refound(long, as_it_is(long))
    copy = await ports.archive.copy()
    assert copy.entries == long.entries
    await other.archive.refound(copy, as_it_is(copy))
    assert await other.trail.head() == head


async def test_a_refounded_ledger_has_the_same_copy_but_for_clock_and_what_was_finished(
    ports: Ports, other: Ports, clock: ManualClock
) -> None:
    copy = await fill(ports, clock)
    finished = {family: moved_on(ring).ring for family, ring in copy.rings.items()}
    refounding = Refounding(rings=finished, facts=(REFOUNDED, fact("key_published")))
    assert await other.archive.refound(copy, lambda _at: refounding) == refounding
    after = await other.archive.copy()
    assert after == replace(copy, time=after.time, rings=finished, entries=after.entries)
    assert after.entries[: len(copy.entries)] == copy.entries
    assert tuple(entry.fact for entry in after.entries[len(copy.entries) :]) == refounding.facts


async def test_a_ring_that_the_copy_lacks_may_be_founded_with_it(ports: Ports, other: Ports) -> None:
    await ports.ledger.commit(at_once(founding()))
    copy = await ports.archive.copy()
    more = {**copy.rings, Family.AES: every_state(Family.AES)}
    await other.archive.refound(copy, lambda _at: Refounding(rings=more, facts=()))
    assert (await other.archive.copy()).rings == more


async def test_a_refounded_ledger_goes_on(ports: Ports, other: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)
    await other.archive.refound(copy, as_it_is(copy, REFOUNDED))
    page = await other.ledger.read(Family.JWT)
    assert page.ring == copy.rings[Family.JWT]
    assert [one.request.rotation_id for one in page.waiting] == ["waiting"]
    await other.ledger.commit(at_once(rotation.publish(page.ring, key(Family.JWT, 3), CAUSE)))
    await other.ledger.settle(record("second"), fact("rotation_joined"))
    assert await other.usage.add(Kid("aes_0004"), 1) == 2**40 + 1
    await other.secrets.confirm("whs_b")
    entries = await other.trail.entries()
    assert audit_chain.verify(entries) == await other.trail.head()
    assert len(entries) == len(copy.entries) + 4


async def test_an_hour_of_the_same_boot_has_passed_in_the_refounded_ledger(
    ports: Ports, other: Ports, clock: ManualClock
) -> None:
    copy = await fill(ports, clock)
    asked: list[datetime] = []

    def finish(at: datetime) -> Refounding:
        asked.append(at)
        return Refounding(rings=copy.rings, facts=())

    clock.pass_time(HOUR)
    await other.archive.refound(copy, finish)
    assert asked == [START + 2 * HOUR]
    clock.pass_time(HOUR)
    assert (await other.ledger.read(Family.JWT)).now == START + 3 * HOUR == (await ports.ledger.read(Family.JWT)).now


async def test_no_wait_is_shortened_by_refounding_on_a_host_of_another_boot(
    ports: Ports, other: Ports, clock: ManualClock
) -> None:
    copy = await fill(ports, clock)
    clock.reboot()
    clock.pass_time(9 * HOUR)
    await other.keeper.keep_clock()  # what this ledger counted while it was empty is of no copy
    clock.pass_time(HOUR)
    await other.archive.refound(copy, as_it_is(copy))
    page = await other.ledger.read(Family.JWT)
    assert page.now == START + HOUR
    clock.pass_time(HOUR)
    page = await other.ledger.read(Family.JWT)
    assert page.ring is not None
    assert page.now - page.ring.active.published_at == 2 * HOUR
    await other.ledger.commit(at_once(moved_on(page.ring)))
    clock.pass_time(HOUR)
    assert (await other.ledger.read(Family.JWT)).now == START + 3 * HOUR


async def test_a_refounded_ledger_without_time_in_its_copy_begins_as_a_new_one(
    ports: Ports, other: Ports, clock: ManualClock
) -> None:
    await ports.trail.append(fact())
    copy = await ports.archive.copy()
    assert copy.time is None
    clock.pass_time(HOUR)
    await other.archive.refound(copy, as_it_is(copy))
    assert (await other.ledger.read(Family.JWT)).now == START + HOUR


async def test_a_clock_before_the_copys_is_refused_and_changes_nothing(
    ports: Ports, other: Ports, clock: ManualClock
) -> None:
    copy = await fill(ports, clock)
    clock.step_wall(-2 * SKEW)
    before = await other.archive.copy()
    with pytest.raises(ClockWentBackError):
        await other.archive.refound(copy, as_it_is(copy, REFOUNDED))
    assert await other.archive.copy() == before


async def test_counts_that_were_made_meanwhile_are_added(ports: Ports, other: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)
    await other.usage.add(Kid("aes_0004"), 7)
    await other.usage.add(Kid("aes_0009"), 8)
    await other.archive.refound(copy, as_it_is(copy))
    assert (await other.archive.copy()).usage == {Kid("aes_0004"): 2**40 + 7, Kid("aes_0009"): 8}


async def test_instances_are_forgotten_until_they_report_again(ports: Ports, other: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)
    clock.reboot()
    clock.pass_time(9 * HOUR)
    await other.fleet.report("gone", dict.fromkeys(Family, 0), expires_in=HOUR)
    await other.archive.refound(copy, as_it_is(copy))
    assert list(await other.fleet.instances()) == []
    await other.fleet.report("alive", dict.fromkeys(Family, 0), expires_in=HOUR)
    assert [one.name for one in (await other.ledger.read(Family.JWT)).behind] == ["alive"]


async def with_a_ring(ports: Ports) -> None:
    await ports.ledger.commit(at_once(replace(founding(Family.AES), facts=())))


async def with_an_entry(ports: Ports) -> None:
    await ports.trail.append(fact("backup_written"))


async def with_an_entry_of_a_removed_ring(ports: Ports) -> None:
    await ports.ledger.commit(at_once(founding(Family.AES)))
    await ports.archive.put_back({Family.AES: founding(Family.AES).ring.head}, rings(aes=None))


@pytest.mark.parametrize("inhabit", [with_a_ring, with_an_entry, with_an_entry_of_a_removed_ring])
async def test_a_ledger_that_is_in_use_is_not_refounded_and_nothing_is_changed(
    ports: Ports, other: Ports, clock: ManualClock, inhabit: Callable[[Ports], object]
) -> None:
    copy = await fill(ports, clock)
    await inhabit(other)  # type: ignore[misc]
    before = await other.archive.copy()
    with pytest.raises(LedgerNotEmptyError, match="holds rings or an audit trail already: nothing was changed"):
        await other.archive.refound(copy, as_it_is(copy, REFOUNDED))
    assert await other.archive.copy() == before


async def test_facts_of_no_key_follow_the_refounding_in_one_chain(
    ports: Ports, other: Ports, clock: ManualClock
) -> None:
    copy = await fill(ports, clock)
    await other.keeper.accept_clock(actor="ops", reason="it was wrong")
    for action in ("admin_called", "admin_refused", "admin_failed"):
        await other.trail.append(fact(action))
    before = [entry.fact for entry in await other.trail.entries()]
    assert {one.action for one in before} == OF_NO_KEY
    await other.archive.refound(copy, as_it_is(copy, REFOUNDED))
    entries = await other.trail.entries()
    assert audit_chain.verify(entries) == await other.trail.head()
    assert tuple(entries[: len(copy.entries)]) == copy.entries
    assert [entry.fact for entry in entries[len(copy.entries) :]] == [REFOUNDED, *before]


async def test_a_clock_before_the_copys_may_be_accepted(ports: Ports, other: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)
    clock.step_wall(-2 * SKEW)
    await other.archive.refound(copy, as_it_is(copy, REFOUNDED), accepts_clock=True)
    assert (await other.ledger.read(Family.JWT)).now == START + HOUR
    clock.pass_time(HOUR)
    assert (await other.ledger.read(Family.JWT)).now == START + 2 * HOUR


async def test_a_refounding_that_would_lose_a_ring_is_refused_and_changes_nothing(
    ports: Ports, other: Ports, clock: ManualClock
) -> None:
    copy = await fill(ports, clock)
    await other.usage.add(Kid("aes_0009"), 8)
    before = await other.archive.copy()
    one = Refounding(rings={Family.JWT: copy.rings[Family.JWT]}, facts=())
    with pytest.raises(ValueError, match="would lose the rings aes"):
        await other.archive.refound(copy, lambda _at: one)
    assert await other.archive.copy() == before


async def test_a_refounding_that_is_not_finished_changes_nothing(
    ports: Ports, other: Ports, clock: ManualClock
) -> None:
    copy = await fill(ports, clock)
    await other.usage.add(Kid("aes_0009"), 8)
    await other.fleet.report("alive", dict.fromkeys(Family, 0), expires_in=HOUR)
    before = await other.archive.copy()

    def unfinished(_at: datetime) -> Refounding:
        raise TransitionError("planned")

    with pytest.raises(TransitionError, match="planned"):
        await other.archive.refound(copy, unfinished)
    assert await other.archive.copy() == before
    assert [one.name for one in await other.fleet.instances()] == ["alive"]


async def test_of_two_concurrent_refoundings_one_wins(ports: Ports, other: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)

    async def attempt() -> bool:
        try:
            await other.archive.refound(copy, as_it_is(copy, REFOUNDED))
        except LedgerNotEmptyError:
            return False
        return True

    assert sorted(await asyncio.gather(attempt(), attempt())) == [False, True]
    assert len((await other.archive.copy()).entries) == len(copy.entries) + 1


async def heads_of(ports: Ports) -> dict[Family, RingHead | None]:
    return dict(await ports.ledger.heads())


async def test_a_ring_is_put_back_exactly_with_its_generation(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    before = await ring_of(ports)
    changed = rotation.promote(first.ring, CAUSE)
    await ports.ledger.commit(at_once(changed))
    await ports.ledger.commit(at_once(rotation.publish(changed.ring, key(Family.JWT, 3), CAUSE)))
    as_before = replace(first.ring, generation=9, changed_at=START + HOUR)
    given = await ports.archive.put_back({Family.JWT: changed_head(3)}, rings(fact("rings_put_back"), jwt=as_before))
    assert given == RingsPutBack(rings={Family.JWT: as_before}, facts=(fact("rings_put_back"),))
    assert before is not None
    assert await ring_of(ports) == replace(before, generation=9, changed_at=START + HOUR)
    assert [entry.fact.action for entry in await ports.trail.entries()][-1] == "rings_put_back"
    await ports.ledger.commit(at_once(moved_on(as_before)))


def changed_head(generation: int) -> RingHead:
    return RingHead(generation=generation, changed_at=START)


async def test_a_version_of_every_state_is_set_exactly_and_the_ring_is_read_oldest_first(ports: Ports) -> None:
    await ports.ledger.commit(at_once(founding()))
    wanted = every_state(Family.JWT)
    shuffled = replace(wanted, versions=wanted.versions[::-1])
    await ports.archive.put_back({Family.JWT: founding().ring.head}, rings(jwt=shuffled))
    assert await ring_of(ports) == wanted


async def test_a_ring_that_is_put_back_to_none_goes_with_its_versions_and_rotations(
    ports: Ports, clock: ManualClock
) -> None:
    copy = await fill(ports, clock)
    await ports.archive.put_back({Family.JWT: copy.rings[Family.JWT].head}, rings(fact("ring_removed"), jwt=None))
    assert set(await ports.ledger.heads()) == {Family.AES}
    assert await ports.ledger.read(Family.JWT) == replace(
        await ports.ledger.read(Family.JWT), ring=None, waiting=(), behind=()
    )
    after = await ports.archive.copy()
    assert after.rotations == ()
    assert after == replace(
        copy, rings={Family.AES: copy.rings[Family.AES]}, rotations=(), time=after.time, entries=after.entries
    )
    assert [entry.fact.action for entry in after.entries[len(copy.entries) :]] == ["ring_removed"]


async def test_a_ring_that_was_removed_can_be_founded_again(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    await ports.archive.put_back({Family.JWT: first.ring.head}, rings(jwt=None))
    await ports.ledger.commit(at_once(first))
    assert await ring_of(ports) == first.ring
    assert audit_chain.verify(await ports.trail.entries()).sequence == 2 * len(first.facts)


async def test_a_ring_is_put_where_none_is_expected(ports: Ports) -> None:
    await ports.archive.put_back({Family.JWT: None}, rings(jwt=every_state(Family.JWT)))
    assert await ring_of(ports) == every_state(Family.JWT)


async def test_no_ring_may_stay_none(ports: Ports) -> None:
    await ports.archive.put_back({Family.JWT: None}, rings(fact(), jwt=None))
    assert await ports.ledger.heads() == {}
    assert len(await ports.trail.entries()) == 1


async def test_rotations_of_a_kept_ring_stay_unless_they_name_a_version_that_is_removed(ports: Ports) -> None:
    await ports.ledger.commit(at_once(founding(Family.AES)))
    await ports.ledger.commit(at_once(opened(founding(Family.AES).ring, "of-the-other")))
    first = founding()
    await ports.ledger.commit(at_once(first))
    settled = rotation.promote(first.ring, CAUSE, (record("settled"),))
    await ports.ledger.commit(at_once(settled))
    staged = rotation.publish(settled.ring, key(Family.JWT, 3), CAUSE)
    await ports.ledger.commit(at_once(staged))
    second = rotation.promote(staged.ring, CAUSE, (record("second"),))
    await ports.ledger.commit(at_once(second))
    waiting = opened(second.ring, "waiting")
    await ports.ledger.commit(at_once(waiting))
    old_lost = record("old-lost").settled(old=Kid("jwt_0003"), new=Kid("jwt_0002"), ring=second.ring)
    await ports.ledger.settle(old_lost, fact())
    before = await ports.archive.copy()
    wanted = replace(settled.ring, generation=waiting.ring.generation + 1)
    await ports.archive.put_back({Family.JWT: waiting.ring.head}, rings(jwt=wanted))
    kept = [one for one in before.rotations if one.request.rotation_id not in {"second", "old-lost"}]
    assert [one.request.rotation_id for one in kept] == ["of-the-other", "settled", "waiting"]
    assert list((await ports.archive.copy()).rotations) == kept


async def test_a_rotation_to_a_key_that_is_staged_again_goes_and_its_id_can_be_used_again(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    promoted = rotation.promote(first.ring, CAUSE, (record("scheduled"),))
    await ports.ledger.commit(at_once(promoted))
    waiting = opened(promoted.ring, "waiting")
    await ports.ledger.commit(at_once(waiting))
    back = replace(first.ring, generation=waiting.ring.generation + 1)
    await ports.archive.put_back({Family.JWT: waiting.ring.head}, rings(jwt=back))
    assert await ports.ledger.rotations("scheduled") == []
    assert [one.request.rotation_id for one in (await ports.archive.copy()).rotations] == ["waiting"]
    again = rotation.promote(back, CAUSE, (record("scheduled"),))
    await ports.ledger.commit(at_once(again))
    assert await ports.ledger.rotations("scheduled") == list(again.rotations)


async def test_all_expected_rings_are_put_back_at_once(ports: Ports) -> None:
    await ports.ledger.commit(at_once(founding(Family.AES)))
    before = await heads_of(ports)
    expected = {**before, Family.JWT: None}
    await ports.archive.put_back(expected, rings(aes=None, jwt=every_state(Family.JWT)))
    assert await heads_of(ports) == {Family.JWT: every_state(Family.JWT).head}


STALE: dict[str, Heads] = {
    "a generation that is past": {Family.JWT: changed_head(1)},
    "a generation that is to come": {Family.JWT: changed_head(3)},
    "the ring of a ledger that was rebuilt": {Family.JWT: RingHead(generation=2, changed_at=START + HOUR)},
    "no ring where there is one": {Family.JWT: None},
    "a ring where there is none": {Family.AES: changed_head(1)},
    "one of two": {Family.JWT: changed_head(2), Family.AES: changed_head(1)},
}


@pytest.mark.parametrize("expected", STALE.values(), ids=STALE.keys())
async def test_rings_that_are_not_the_expected_ones_are_not_put_back_and_nothing_is_changed(
    ports: Ports, expected: Heads
) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    await ports.ledger.commit(at_once(opened(first.ring)))
    before = await ports.archive.copy()
    wanted = RingsPutBack(rings={family: every_state(family) for family in expected}, facts=(fact(),))
    with pytest.raises(StaleGenerationError, match="changed meanwhile: nothing was changed"):
        await ports.archive.put_back(expected, lambda _at: wanted)
    assert await ports.archive.copy() == before


async def test_rings_that_were_not_expected_are_not_touched(ports: Ports) -> None:
    await ports.ledger.commit(at_once(founding()))
    before = await ports.archive.copy()
    for given in (rings(fact()), rings(fact(), jwt=None, aes=None), rings(fact(), aes=every_state(Family.AES))):
        with pytest.raises(ValueError, match="not those that were expected"):
            await ports.archive.put_back({Family.JWT: founding().ring.head}, given)
    assert await ports.archive.copy() == before


async def test_of_two_concurrent_puttings_back_one_wins(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    wanted = [replace(every_state(Family.JWT), generation=generation) for generation in (7, 8)]

    async def attempt(ring: KeyRing) -> bool:
        try:
            await ports.archive.put_back({Family.JWT: first.ring.head}, rings(fact(), jwt=ring))
        except StaleGenerationError:
            return False
        return True

    won = await asyncio.gather(*(attempt(ring) for ring in wanted))
    assert sorted(won) == [False, True]
    assert await ring_of(ports) == wanted[won.index(True)]
    assert len(await ports.trail.entries()) == len(first.facts) + 1


async def test_a_change_and_a_putting_back_of_one_generation_do_not_both_win(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    results = await asyncio.gather(
        ports.ledger.commit(at_once(moved_on(first.ring))),
        ports.archive.put_back({Family.JWT: first.ring.head}, rings(jwt=every_state(Family.JWT))),
        return_exceptions=True,
    )
    assert sum(isinstance(result, StaleGenerationError) for result in results) == 1


async def test_a_transition_that_refuses_changes_nothing(ports: Ports, clock: ManualClock) -> None:
    copy = await fill(ports, clock)
    with pytest.raises(TransitionError, match="planned"):
        await ports.archive.put_back({Family.JWT: copy.rings[Family.JWT].head}, refusing)
    assert await ports.archive.copy() == copy


async def test_rings_are_put_back_for_the_moment_of_the_commit(ports: Ports, clock: ManualClock) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    asked: list[datetime] = []

    def transition(at: datetime) -> RingsPutBack:
        asked.append(at)
        return RingsPutBack(rings={Family.JWT: replace(first.ring, changed_at=at)}, facts=())

    clock.pass_time(HOUR)
    await ports.archive.put_back({Family.JWT: first.ring.head}, transition)
    assert asked == [START + HOUR]
    clock.reboot()
    assert (await ports.ledger.read(Family.JWT)).now == START + HOUR


async def test_a_clock_set_back_is_refused_by_put_back_and_changes_nothing(ports: Ports, clock: ManualClock) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    before = await ports.archive.copy()
    clock.step_wall(-2 * SKEW)
    with pytest.raises(ClockWentBackError):
        await ports.archive.put_back({Family.JWT: first.ring.head}, rings(jwt=None))
    assert await ports.archive.copy() == before


async def test_a_kept_version_takes_the_state_that_it_is_given(ports: Ports) -> None:
    first = founding()
    await ports.ledger.commit(at_once(first))
    compromised = first.ring.versions[1].moved_to(KeyState.COMPROMISED, START)
    await ports.ledger.commit(
        at_once(RingChange(ring=replace(first.ring, generation=2, versions=(first.ring.active, compromised)), facts=()))
    )
    await ports.archive.put_back({Family.JWT: changed_head(2)}, rings(jwt=replace(first.ring, generation=3)))
    assert await ring_of(ports) == replace(first.ring, generation=3)
