"""The six answers: of whoever was given nothing but the page."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.http.status_page.answers import Answer, answers
from journal_keys.entrypoints.http.status_page.look import Look
from journal_keys.entrypoints.http.status_page.words import Code, Moment, Sentence, Verdict
from journal_keys.use_cases.check_health import Health, HealthStatus, PartHealth
from tests.support.looks import look_at, with_audit, without_ledger
from tests.support.world import START, W1, WINDOWS, World

SIGNS, ENCRYPTS, NEXT, STUCK, AGREE, TAMPERED = range(6)
PASSED = timedelta(hours=2)


def words(sentence: Sentence) -> str:
    shown = [one.iso if isinstance(one, Moment) else one.code if isinstance(one, Code) else one for one in sentence]
    return " ".join(shown)


def said(look: Look, question: int) -> tuple[Verdict, str]:
    answer: Answer = answers(look)[question]
    return answer.verdict, "\n".join(words(sentence) for sentence in answer.sentences)


async def at_rest() -> World:
    world = await World().initialised()
    world.clock.pass_time(PASSED)
    return world


async def test_all_six_are_asked() -> None:
    assert [answer.question for answer in answers(await look_at(await at_rest()))] == [
        "Which key signs now, and since when?",
        "Which key encrypts now, and since when?",
        "What happens next, and when?",
        "Is anything stuck, and why?",
        "Does every instance agree?",
        "Was the audit trail tampered with?",
    ]


async def test_at_rest_everything_is_good() -> None:
    world = await at_rest()
    look = await look_at(world)
    jwt, aes = await world.ring(Family.JWT), await world.ring(Family.AES)
    assert jwt.staged is not None
    assert {answer.verdict for answer in answers(look)} == {Verdict.GOOD}
    assert said(look, SIGNS)[1] == f"{jwt.active.kid} (EdDSA) signs, since 2026-01-01T00:00:00Z"
    assert said(look, ENCRYPTS)[1] == f"{aes.active.kid} (A256GCM) encrypts, since 2026-01-01T00:00:00Z"
    assert said(look, NEXT)[1] == (
        f"{jwt.staged.kid} of ring jwt: it is promoted by the next rotation, 2026-03-02T00:00:00Z"
        " ; why then: the key in use is due then, 60 d after it came into use"
    )
    assert said(look, STUCK)[1] == "No"
    assert said(look, AGREE)[1].startswith("Yes: this process holds generation 1 of jwt and generation 1 of aes")
    assert said(look, TAMPERED)[1].startswith("No sign of it: 6 entries hold;")


async def test_a_ring_that_was_not_made_is_wrong_and_says_what_to_do() -> None:
    world = await World().initialised(Family.JWT)
    look = await look_at(world)
    assert said(look, ENCRYPTS) == (Verdict.BAD, "None: there is no aes ring. Run 'journal-keys init'")
    verdict, told = said(look, STUCK)
    assert verdict is Verdict.BAD
    assert told.startswith("Yes: ring aes: the ledger has no aes ring: run 'journal-keys init'")


async def test_a_rotation_that_waits_for_its_window_is_not_stuck_and_says_until_when() -> None:
    world = await at_rest()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    verdict, told = said(await look_at(world), STUCK)
    assert verdict is Verdict.GOOD
    assert told.startswith("No ; a rotation of ring jwt waits: ")
    assert "W1 is 675 s" in told
    assert told.endswith("until 2026-01-01T02:22:30Z")
    assert said(await look_at(world), NEXT)[1].endswith("W1 is 675 s")


async def held_back() -> World:
    world = await at_rest()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    world.clock.pass_time(W1)
    ledger = cast("MemoryLedger", world.ledger)
    await ledger.report("slow", {Family.JWT: 1, Family.AES: 1}, expires_in=timedelta(minutes=5))
    await ledger.report("one", {Family.JWT: 4, Family.AES: 1}, expires_in=timedelta(minutes=5))
    return world


async def test_a_rotation_that_an_instance_holds_back_is_stuck_and_names_it() -> None:
    look = await look_at(await held_back())
    verdict, told = said(look, STUCK)
    assert verdict is Verdict.LOOK
    assert "instance slow holds generation 1 of 4" in told
    assert said(look, AGREE) == (
        Verdict.LOOK,
        "No: 1 of 2 do not hold generation 4 of jwt and generation 1 of aes yet: slow",
    )


async def test_instances_that_hold_what_the_ledger_says_agree() -> None:
    world = await at_rest()
    for name in ("one", "two"):
        held = {Family.JWT: 1, Family.AES: 1}
        await cast("MemoryLedger", world.ledger).report(name, held, expires_in=timedelta(minutes=5))
    assert said(await look_at(world), AGREE) == (
        Verdict.GOOD,
        "Yes: 2 of 2 hold generation 1 of jwt and generation 1 of aes, as the ledger says",
    )


async def test_a_process_that_holds_an_older_ring_says_so() -> None:
    world = await at_rest()
    look = await look_at(world)
    await world.rotated(Family.JWT)
    verdict, told = said(replace(look, report=await world.describe()), AGREE)
    assert verdict is Verdict.LOOK
    assert told.startswith("No: this process holds generation 1 of jwt and generation 1 of aes, and the ledger gen")


async def test_a_view_that_nobody_confirmed_for_long_is_told() -> None:
    look = await look_at(await at_rest())
    known = look.known[Family.JWT]
    assert known is not None
    old = {**look.known, Family.JWT: replace(known, age=WINDOWS.view_ttl + timedelta(seconds=1))}
    verdict, told = said(replace(look, known=old), STUCK)
    assert (verdict, told) == (
        Verdict.LOOK,
        "Yes: ring jwt: this process has not confirmed what it holds for 5 min 1 s",
    )


STORE_DOWN = PartHealth(status=HealthStatus.UNHEALTHY, reason="the vault is gone")
FINE = PartHealth(status=HealthStatus.HEALTHY)


@pytest.mark.parametrize(
    ("health", "verdict", "told"),
    [
        (None, Verdict.LOOK, "Yes: whether the secret store answers could not be found out in time"),
        (
            Health(rings={Family.JWT: FINE, Family.AES: FINE}, store=STORE_DOWN, at=START),
            Verdict.LOOK,
            "Yes: the secret store: the vault is gone",
        ),
        (
            Health(
                rings={
                    Family.JWT: PartHealth(status=HealthStatus.UNHEALTHY, reason="material is missing: jwt_x"),
                    Family.AES: FINE,
                },
                store=FINE,
                at=START,
            ),
            Verdict.BAD,
            "Yes: ring jwt: material is missing: jwt_x",
        ),
    ],
)
async def test_what_health_finds_is_told(health: Health | None, verdict: Verdict, told: str) -> None:
    assert said(replace(await look_at(await at_rest()), health=health), STUCK) == (verdict, told)


async def test_without_the_ledger_the_page_says_what_this_process_knows_and_that_it_is_stuck() -> None:
    world = await at_rest()
    look = without_ledger(await look_at(world), "the database is locked")
    active = (await world.ring(Family.JWT)).active.kid
    verdict, told = said(look, SIGNS)
    assert verdict is Verdict.UNKNOWN
    assert f"{active} was in use since 2026-01-01T00:00:00Z when it last did, 2026-01-01T02:11:15Z" in told
    assert "this process signs with it until that is 5 min old" in told
    assert said(look, STUCK) == (Verdict.BAD, "Yes: the ledger cannot be read: the database is locked")
    assert [said(look, one)[0] for one in (NEXT, AGREE, TAMPERED)] == [Verdict.UNKNOWN] * 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda look: without_ledger(look, age=timedelta(minutes=6)),
            "no longer signs, as that is more than 5 min old",
        ),
        (
            lambda look: replace(without_ledger(look), known={Family.JWT: None, Family.AES: None}),
            "this process never saw the jwt ring",
        ),
    ],
)
async def test_without_the_ledger_a_view_that_is_too_old_or_none_does_not_sign(
    change: Callable[[Look], Look], told: str
) -> None:
    assert told in said(change(await look_at(await at_rest())), SIGNS)[1]


@pytest.mark.parametrize(
    ("changes", "verdict", "told"),
    [
        ({"broken": "audit entry 2 was changed after it was written"}, Verdict.BAD, "Yes: audit entry 2 was changed"),
        ({}, Verdict.UNKNOWN, "Not known yet: this process still follows the chain from its beginning; 3 entries"),
        (
            {"whole_at": START, "sequence": 5},
            Verdict.GOOD,
            "2026-01-01T00:00:00Z ; 1 that came since are looked at next",
        ),
        ({"whole_at": START, "sequence": 6}, Verdict.GOOD, "No sign of it: 6 entries hold; the chain was last"),
    ],
)
async def test_what_is_known_of_the_audit_trail_is_told(
    changes: dict[str, object], verdict: Verdict, told: str
) -> None:
    look = with_audit(await look_at(await at_rest()), **changes)  # type: ignore[arg-type]  # a table of cases
    assert said(look, TAMPERED)[0] is verdict
    assert told in said(look, TAMPERED)[1]


async def test_what_was_broken_before_the_ledger_went_away_stays_so() -> None:
    look = with_audit(without_ledger(await look_at(await at_rest())), broken="entry 2 was changed")
    assert said(look, TAMPERED) == (Verdict.BAD, "Yes: entry 2 was changed")


async def test_rings_without_any_timed_event_have_nothing_next() -> None:
    look = await look_at(await at_rest())
    assert look.report is not None
    bare = {family: replace(status, upcoming=()) for family, status in look.report.rings.items() if status}
    assert said(replace(look, report=replace(look.report, rings=bare)), NEXT)[1] == "Nothing that a time decides"
