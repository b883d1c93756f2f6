"""What a newcomer is told: six answers from a report, as tables of words."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.audit_chain import EMPTY
from journal_keys.domain.keys import Family
from journal_keys.domain.status import AuditStatus, NextEvent, StatusReport
from journal_keys.entrypoints.answers import Answers, answers_to, why
from journal_keys.entrypoints.wording import length, moment, since, when
from tests.support.world import POLICIES, START, W1, W2, World, request

LENGTHS = {
    -5: "0 s",
    0: "0 s",
    0.04: "0.0 s",
    1.25: "1.2 s",
    9.94: "9.9 s",
    10: "10 s",
    59.6: "1 min",
    61: "1 min 1 s",
    3_600: "1 h",
    3_661: "1 h 1 min",
    86_399: "23 h 59 min",
    86_400: "1 d",
    5_184_061: "60 d",
}


@pytest.mark.parametrize(("seconds", "told"), LENGTHS.items())
def test_a_length_is_told_in_its_two_largest_units(seconds: float, told: str) -> None:
    assert length(timedelta(seconds=seconds)) == told


def test_a_moment_is_told_in_utc_and_with_how_long_ago_or_in_how_long() -> None:
    later = START + timedelta(seconds=90)
    assert moment(START) == "2026-01-01 00:00:00 UTC"
    assert since(START, later) == "since 2026-01-01 00:00:00 UTC, for 1 min 30 s"
    assert when(later, START) == "in 1 min 30 s, at 2026-01-01 00:01:30 UTC"
    assert when(None, START) == "at no set time"
    assert when(START, later).startswith("at the next pass of the scheduler or of reconcile, since 2026-01-01")


async def told(world: World, *, reports: bool = True) -> Answers:
    await world.watch_audit()
    return answers_to(await world.describe(), reports=reports)


def fleet(world: World) -> MemoryLedger:
    return cast("MemoryLedger", world.ledger)


async def reported(world: World, *, jwt: int, aes: int, name: str = "one") -> None:
    await fleet(world).report(name, {Family.JWT: jwt, Family.AES: aes}, expires_in=timedelta(hours=1))


async def test_rings_that_are_not_made_are_said_to_be_so() -> None:
    answers = await told(World())
    assert answers.signs.says == "None: the jwt ring is not made yet; run 'journal-keys init'."
    assert answers.encrypts.says == "None: the aes ring is not made yet; run 'journal-keys init'."
    assert answers.next.says == "jwt: the ring is not made yet; aes: the ring is not made yet"
    assert [answers.signs.is_well, answers.encrypts.is_well, answers.stuck.is_well] == [False, False, True]
    assert answers.audit.says == "No: it has no entry yet."


async def test_rings_in_rest_answer_every_question() -> None:
    world = await World().initialised()
    await reported(world, jwt=1, aes=1)
    jwt, aes = await world.ring(Family.JWT), await world.ring(Family.AES)
    assert jwt.staged is not None
    answers = await told(world)
    ago = f"since {moment(START)}, for {length(W1)}"
    assert answers.signs.says == f"{jwt.active.kid} (EdDSA) signs {ago}."
    assert answers.encrypts.says == f"{aes.active.kid} (A256GCM) encrypts {ago}."
    due = START + POLICIES[Family.JWT].interval
    assert (
        f"jwt: {jwt.staged.kid} is promoted by the next rotation {when(due, START + W1)}"
        f" ({jwt.active.kid} has been in use for its interval then); aes: " in answers.next.says
    )
    assert answers.stuck.says == "No: nothing is overdue, and no rotation waits."
    assert answers.agree.says == "Yes: all 1 live instances hold generation 1 of jwt and generation 1 of aes."
    assert answers.audit.says.startswith("No: entries 1 to 6 follow from each other, followed from the beginning at 20")
    assert [one.is_well for one in answers] == [True] * 6


async def test_of_a_ring_with_an_older_event_the_next_rotation_is_told_as_well() -> None:
    world = await World().initialised()
    old = (await world.ring(Family.JWT)).active.kid
    await world.rotated(Family.JWT)
    ring = await world.ring(Family.JWT)
    assert ring.staged is not None
    now = START + W1
    said = (await told(world)).next.says
    assert said.startswith(
        f"jwt: {old} is destroyed, past its last token {when(now + W2, now)}, then {ring.staged.kid} is promoted"
    )


async def test_a_rotation_in_its_window_is_told_and_is_nothing_stuck() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    answers, ring, now = await told(world), await world.ring(Family.JWT), START + W1
    assert ring.staged is not None
    because = f"{ring.staged.kid} was published 0 s ago and W1 is 675 s"
    assert answers.stuck.says == (
        f"No. What waits is in its time: jwt: a rotation waits {since(now, now)}: {because};"
        f" it goes on {when(now + W1, now)}."
    )
    assert answers.stuck.is_well
    assert f"in 11 min 15 s, at {moment(now + W1)} ({because})" in answers.next.says


async def test_a_rotation_that_only_a_pass_has_to_do_names_no_time_of_its_own() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    world.clock.pass_time(W1)
    said = (await told(world)).stuck.says
    assert said.endswith("for 11 min 15 s: the next pass of the scheduler or of reconcile does it.")


async def test_a_rotation_that_an_instance_holds_back_is_stuck_and_names_it() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotate(Family.JWT, request("second", Family.JWT))
    world.clock.pass_time(W1)
    await reported(world, name="slow", jwt=1, aes=1)
    await reported(world, name="quick", jwt=4, aes=1)
    answers = await told(world)
    held = "instance slow holds generation 1 of"
    assert answers.stuck.says.startswith(f"Yes: jwt: a rotation waits for 1 instances: {held}")
    assert answers.agree.says.startswith(f"Not yet: of 2 live instances some are behind. jwt: {held}")
    assert "quick" not in answers.agree.says
    assert [answers.stuck.is_well, answers.agree.is_well] == [False, False]


async def test_of_many_instances_that_are_behind_three_are_named() -> None:
    world = await World().initialised()
    await world.rotated(Family.AES)
    for number in range(5):
        await reported(world, name=f"n{number}", jwt=1, aes=1)
    said = (await told(world)).agree.says
    assert [name for name in ("n0", "n1", "n2", "n3") if name in said] == ["n0", "n1", "n2"]
    assert said.endswith("and 2 more.")


@pytest.mark.parametrize(("reports", "said", "is_well"), [(True, "No instance", False), (False, "Instances do", True)])
async def test_that_nobody_reports_is_told_apart_from_that_nobody_has_to(
    *, reports: bool, said: str, is_well: bool
) -> None:
    found = (await told(await World().initialised(), reports=reports)).agree
    assert (found.says.startswith(said), found.is_well) == (True, is_well)


async def report_with(audit: AuditStatus) -> StatusReport:
    return replace(await World().describe(), audit=audit)


async def test_a_broken_chain_is_told_and_one_that_nobody_followed_is_not_called_whole() -> None:
    broken = await report_with(AuditStatus(head=EMPTY, whole_at=START, broken="audit entry 3 was changed"))
    found = answers_to(broken, reports=True).audit
    assert (found.says, found.is_well) == ("Yes: audit entry 3 was changed.", False)
    unknown = await report_with(AuditStatus(head=EMPTY, whole_at=None, broken=""))
    assert answers_to(unknown, reports=True).audit.says.startswith("Not known yet")


async def test_a_rotation_that_was_due_waits_for_the_window_of_its_key() -> None:
    world = await World().initialised()
    world.clock.pass_time(POLICIES[Family.JWT].interval)
    await world.rotated(Family.JWT)
    status = (await world.describe()).rings[Family.JWT]
    assert status is not None
    assert status.ring.staged is not None
    early = replace(status, due_at=START)
    event = NextEvent(kid=status.ring.staged.kid, what="it is promoted by the next rotation", at=START + W1)
    assert why(event, early) == "every view and cache is sure to know it then"


async def test_without_a_staged_key_the_next_thing_is_that_one_is_made() -> None:
    world = await World().initialised()
    report = await world.describe()
    status = report.rings[Family.JWT]
    assert status is not None
    bare = replace(status, ring=replace(status.ring, versions=(status.ring.active,)), upcoming=())
    said = answers_to(replace(report, rings={**report.rings, Family.JWT: bare}), reports=True).next.says
    assert said.startswith("jwt: no key is staged, the next pass of reconcile stages one; aes: ")
