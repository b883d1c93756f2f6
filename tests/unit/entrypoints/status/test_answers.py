"""The six answers of whoever was given nothing but the page or the terminal, as tables of words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.keys import Family
from journal_keys.domain.status import RingStatus
from journal_keys.entrypoints.status.answer import Answer, Verdict
from journal_keys.entrypoints.status.answers import answers
from journal_keys.entrypoints.status.sight import Service, Sight
from journal_keys.use_cases.check_health import Health, HealthStatus, PartHealth
from tests.support.looks import NOTHING, Look, look_at, with_audit, without_ledger
from tests.support.world import START, W1, WINDOWS, World

SIGNS, ENCRYPTS, NEXT, STUCK, AGREE, TAMPERED = range(6)
PASSED = timedelta(hours=2)
BOTH = "generation 1 of jwt and generation 1 of aes"
ALONE = "instances do not report with a ledger on SQLite: only processes of this machine share it"
ASK = "--figures http://localhost:8000 shows what these hold"
CUT_OFF = "Only a head that is kept elsewhere shows an end that was cut off before."


def said(sight: Sight, question: int) -> tuple[Verdict, str]:
    answer: Answer = answers(sight)[question]
    return answer.verdict, answer.says


def by_command(look: Look) -> Sight:
    """What a command sees, which holds no ring of its own."""
    return replace(look.sight, process=None, service=None)


async def at_rest() -> World:
    world = await World().initialised()
    world.clock.pass_time(PASSED)
    return world


async def reported(world: World, name: str, *, jwt: int, aes: int) -> None:
    held = {Family.JWT: jwt, Family.AES: aes}
    await cast("MemoryLedger", world.ledger).report(name, held, expires_in=timedelta(minutes=5))


async def test_all_six_are_asked() -> None:
    assert [answer.question for answer in answers((await look_at(await at_rest())).sight)] == [
        "Which key signs now, and since when?",
        "Which key encrypts now, and since when?",
        "What happens next, and when?",
        "Is anything stuck, and why?",
        "Does every instance agree?",
        "Was the audit trail tampered with?",
    ]


async def test_at_rest_everything_is_good() -> None:
    world = await at_rest()
    sight = (await look_at(world)).sight
    jwt, aes = await world.ring(Family.JWT), await world.ring(Family.AES)
    assert jwt.staged is not None
    assert aes.staged is not None
    due = "2026-03-02T00:00:00Z (in 59 d): the key in use is due then, 60 d after it came into use"
    aes_due = "2026-04-01T00:00:00Z (in 89 d): the key in use is due then, 90 d after it came into use"
    assert {answer.verdict for answer in answers(sight)} == {Verdict.GOOD}
    assert [answer.says for answer in answers(sight)] == [
        f"{jwt.active.kid} (EdDSA) signs since 2026-01-01T00:00:00Z (2 h 11 min ago).",
        f"{aes.active.kid} (A256GCM) encrypts since 2026-01-01T00:00:00Z (2 h 11 min ago).",
        (
            f"jwt: {jwt.staged.kid} is promoted by the next rotation, {due}."
            f" aes: {aes.staged.kid} is promoted by the next rotation, {aes_due}."
        ),
        "No: nothing is overdue, and no rotation waits.",
        f"Yes: this process holds {BOTH}, as the ledger says; {ALONE}.",
        (f"No sign of it: 6 entries hold, last followed from the beginning 2026-01-01T02:11:15Z (now). {CUT_OFF}"),
    ]


async def test_a_command_says_the_same_but_of_itself() -> None:
    look = await look_at(await at_rest())
    served, asked = answers(look.sight), answers(by_command(look))
    assert [one for one in range(6) if served[one] != asked[one]] == [AGREE]
    assert said(by_command(look), AGREE) == (Verdict.UNKNOWN, f"Not known: {ALONE}; {ASK}.")
    assert all(answer.is_well for answer in asked)


async def test_a_command_tells_trouble_of_the_store_as_a_process_that_serves_does() -> None:
    look = await look_at(await at_rest())
    assert look.health is not None
    for health, trouble in (
        (replace(look.health, store=PartHealth(status=HealthStatus.UNHEALTHY, reason="no answer")), "no answer"),
        (None, "could not be found out in time"),
    ):
        told = replace(look, health=health)
        assert said(by_command(told), STUCK) == said(told.sight, STUCK)
        assert said(by_command(told), STUCK)[0] is Verdict.LOOK
        assert trouble in said(by_command(told), STUCK)[1]


async def test_rings_that_are_not_made_are_wrong_and_say_what_to_do() -> None:
    world = World()
    await world.watch_audit()
    report = await world.describe()
    sight = Sight(at=report.at, report=report, audit=report.audit, reports=False, health=await world.health())
    undone = "the ring is not made yet"
    bare = "Yes: the secret store: folder /auth/jwt/versions shows no _journal_keys marker: it is missing, hidden or"
    assert [said(sight, one) for one in range(6)] == [
        (Verdict.BAD, "None: the jwt ring is not made yet; run 'journal-keys init'."),
        (Verdict.BAD, "None: the aes ring is not made yet; run 'journal-keys init'."),
        (Verdict.GOOD, f"jwt: {undone}. aes: {undone}."),
        (
            Verdict.BAD,
            (
                f"Yes: jwt: {undone}; run 'journal-keys init'. Yes: aes: {undone}; run 'journal-keys init'."
                f" {bare} another environment's; run 'journal-keys init' if it was never set up."
            ),
        ),
        (Verdict.UNKNOWN, f"Not known: {ALONE}; {ASK}."),
        (
            Verdict.GOOD,
            (f"No sign of it: 0 entries hold, last followed from the beginning 2026-01-01T00:00:00Z (now). {CUT_OFF}"),
        ),
    ]


async def test_of_a_ring_with_an_older_event_the_next_rotation_is_told_as_well() -> None:
    world = await World().initialised()
    old = (await world.ring(Family.JWT)).active.kid
    await world.rotated(Family.JWT)
    ring = await world.ring(Family.JWT)
    assert ring.staged is not None
    told = said((await look_at(world)).sight, NEXT)[1]
    assert told.startswith(f"jwt: {old} is destroyed, past its last token, 2026-01-15T00:18:30Z (in 14 d): the time W2")
    assert f" has passed then since it was demoted. jwt: {ring.staged.kid} is promoted by" in told


async def test_a_rotation_that_waits_for_its_window_is_not_stuck_and_says_until_when() -> None:
    world = await at_rest()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    sight, ring = (await look_at(world)).sight, await world.ring(Family.JWT)
    assert ring.staged is not None
    because = f"{ring.staged.kid} was published 0 s ago and W1 is 675 s"
    assert said(sight, STUCK) == (
        Verdict.GOOD,
        (
            "No: what waits is in its time. jwt: a rotation waits since 2026-01-01T02:11:15Z (now):"
            f" {because}; it goes on 2026-01-01T02:22:30Z (in 11 min)."
        ),
    )
    assert f"is promoted by the next rotation, 2026-01-01T02:22:30Z (in 11 min): {because}." in said(sight, NEXT)[1]


async def test_a_rotation_that_only_a_pass_has_to_do_names_no_time_of_its_own() -> None:
    world = await at_rest()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    world.clock.pass_time(W1)
    sight = (await look_at(world)).sight
    assert said(sight, STUCK)[0] is Verdict.GOOD
    assert said(sight, STUCK)[1].endswith("(11 min ago): the next pass of the scheduler or of reconcile does it.")
    assert (
        "by the next rotation, at the next pass of the scheduler or of reconcile, since 2026-" in said(sight, NEXT)[1]
    )


async def held_back() -> World:
    world = await at_rest()
    await world.rotated(Family.JWT, "first")
    await world.rotated(Family.JWT, "second")
    world.clock.pass_time(W1)
    await reported(world, "slow", jwt=1, aes=1)
    await reported(world, "one", jwt=4, aes=1)
    return world


async def test_a_rotation_that_an_instance_holds_back_is_stuck_and_names_it() -> None:
    sight = (await look_at(await held_back())).sight
    verdict, told = said(sight, STUCK)
    assert verdict is Verdict.LOOK
    assert told.startswith(
        "Yes: jwt: a rotation waits for 1 instance: instance slow holds generation 1 of 4 since 2026"
    )
    assert told.count("a rotation waits") == 1
    assert said(sight, AGREE) == (
        Verdict.LOOK,
        "No: 1 of 2 live instances does not hold generation 4 of jwt and generation 1 of aes: slow (jwt 1, aes 1).",
    )


async def test_instances_that_hold_what_the_ledger_says_agree() -> None:
    world = await at_rest()
    for name in ("one", "two"):
        await reported(world, name, jwt=1, aes=1)
    assert said((await look_at(world)).sight, AGREE) == (Verdict.GOOD, f"Yes: 2 of 2 live instances hold {BOTH}.")


@pytest.mark.parametrize(
    ("number", "end"),
    [(3, "n0 (jwt 1, aes 0), n1 (jwt 1, aes 0), n2 (jwt 1, aes 0)."), (5, "n2 (jwt 1, aes 0) and 2 more.")],
)
async def test_of_many_instances_that_are_behind_three_are_named(number: int, end: str) -> None:
    world = await at_rest()
    for one in range(number):
        await reported(world, f"n{one}", jwt=1, aes=0)
    told = said((await look_at(world)).sight, AGREE)[1]
    assert told.startswith(f"No: {number} of {number} live instances do not hold {BOTH}: n0 (")
    assert told.endswith(end)


async def test_that_nobody_reports_is_told_apart_from_that_nobody_has_to() -> None:
    look = replace(await look_at(await at_rest()), reports=True)
    none = "No instance reports: none runs, or none has reached the ledger before its last report expired."
    assert [said(sight, AGREE) for sight in (look.sight, by_command(look))] == [(Verdict.LOOK, none)] * 2


async def test_a_process_that_holds_an_older_ring_says_so() -> None:
    world = await at_rest()
    look = await look_at(world)
    await world.rotated(Family.JWT)
    verdict, told = said(replace(look, report=await world.describe()).sight, AGREE)
    assert verdict is Verdict.LOOK
    assert told.startswith(f"No: this process holds {BOTH}, and the ledger generation 3 of jwt and")


LAGS = "generation 1 of jwt and generation 0 of aes"
ALIKE, OLD = {Family.JWT: 1, Family.AES: 1}, {Family.JWT: 1, Family.AES: 0}


@pytest.mark.parametrize(
    ("held", "verdict", "told"),
    [
        ((ALIKE,), Verdict.GOOD, f"Yes: 1 of 1 processes of URL hold {BOTH}, as the ledger says; {ALONE}."),
        ((ALIKE, ALIKE), Verdict.GOOD, f"Yes: 2 of 2 processes of URL hold {BOTH}, as the ledger says; {ALONE}."),
        (
            (ALIKE, OLD, ALIKE),
            Verdict.LOOK,
            f"No: 1 of 3 processes of URL hold other than {BOTH}, one of them {LAGS}; {ALONE}.",
        ),
        ((), Verdict.UNKNOWN, f"Not known: {ALONE}; {ASK}."),
    ],
    ids=["one", "all", "not all", "none yet"],
)
async def test_a_command_that_was_named_a_service_tells_what_its_processes_hold(
    held: tuple[dict[Family, int], ...], verdict: Verdict, told: str
) -> None:
    look = await look_at(await at_rest())
    sight = replace(by_command(look), service=Service(name="URL", held=held))
    assert said(sight, AGREE) == (verdict, told)


async def test_a_page_tells_of_all_processes_of_its_service_where_there_are_several() -> None:
    look = await look_at(await at_rest())
    alone, beside = (replace(look, counts=replace(NOTHING, held=held)) for held in ((ALIKE,), (ALIKE, OLD)))
    assert said(alone.sight, AGREE) == (Verdict.GOOD, f"Yes: this process holds {BOTH}, as the ledger says; {ALONE}.")
    verdict, told = said(beside.sight, AGREE)
    assert verdict is Verdict.LOOK
    assert told.startswith(f"No: 1 of 2 processes of this service hold other than {BOTH}, one of them ")


async def test_a_view_that_nobody_confirmed_for_long_is_told() -> None:
    look = await look_at(await at_rest())
    known = look.known[Family.JWT]
    assert known is not None
    old = {**look.known, Family.JWT: replace(known, age=WINDOWS.view_ttl + timedelta(seconds=1))}
    assert said(replace(look, known=old).sight, STUCK) == (
        Verdict.LOOK,
        "Yes: jwt: this process has not confirmed what it holds for 5 min 1 s.",
    )


FINE = PartHealth(status=HealthStatus.HEALTHY)
STORE_DOWN = PartHealth(status=HealthStatus.UNHEALTHY, reason="the vault is gone")
NO_MATERIAL = PartHealth(status=HealthStatus.UNHEALTHY, reason="material is missing: jwt_x")
HEALTH: dict[str, tuple[Health | None, Verdict, str]] = {
    "not known": (None, Verdict.LOOK, "Yes: whether the secret store answers could not be found out in time."),
    "no store": (
        Health(rings={Family.JWT: FINE, Family.AES: FINE}, store=STORE_DOWN, at=START),
        Verdict.LOOK,
        "Yes: the secret store: the vault is gone.",
    ),
    "no material": (
        Health(rings={Family.JWT: NO_MATERIAL, Family.AES: FINE}, store=FINE, at=START),
        Verdict.BAD,
        "Yes: jwt: material is missing: jwt_x.",
    ),
}


@pytest.mark.parametrize(("health", "verdict", "told"), HEALTH.values(), ids=HEALTH.keys())
async def test_what_health_finds_is_told(health: Health | None, verdict: Verdict, told: str) -> None:
    assert said(replace(await look_at(await at_rest()), health=health).sight, STUCK) == (verdict, told)


async def test_without_the_ledger_the_answers_are_what_this_process_knows_and_that_it_is_stuck() -> None:
    world = await at_rest()
    sight = without_ledger(await look_at(world), "the database is locked").sight
    active = (await world.ring(Family.JWT)).active.kid
    assert [said(sight, one) for one in (SIGNS, NEXT, STUCK, AGREE, TAMPERED)] == [
        (
            Verdict.UNKNOWN,
            (
                f"The ledger does not answer. {active} was in use since 2026-01-01T00:00:00Z (2 h 11 min ago) when it"
                " last did, 2026-01-01T02:11:15Z (now); this process signs with it until that is 5 min old."
            ),
        ),
        (Verdict.UNKNOWN, "Not known: while the ledger does not answer, nothing is rotated."),
        (Verdict.BAD, "Yes: the ledger cannot be read: the database is locked."),
        (Verdict.UNKNOWN, "Not known: while the ledger does not answer, no instance can confirm what it holds."),
        (
            Verdict.UNKNOWN,
            ("Not known now: 6 entries hold, last followed from the beginning 2026-01-01T02:11:15Z (now)."),
        ),
    ]


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
    ids=["too old", "none"],
)
async def test_without_the_ledger_a_view_that_is_too_old_or_none_does_not_sign(
    change: Callable[[Look], Look], told: str
) -> None:
    assert told in said(change(await look_at(await at_rest())).sight, SIGNS)[1]


TRAILS: dict[str, tuple[dict[str, object], Verdict, str]] = {
    "broken": ({"broken": "audit entry 2 was changed"}, Verdict.BAD, "Yes: audit entry 2 was changed."),
    "broken while whole before": (
        {"broken": "audit entry 2 was changed", "whole_at": START},
        Verdict.BAD,
        "Yes: audit entry 2 was changed.",
    ),
    "not followed yet": (
        {},
        Verdict.UNKNOWN,
        "Not known yet: this process still follows the chain from its beginning; 3 entries hold so far.",
    ),
    "one came since": (
        {"whole_at": START, "sequence": 5},
        Verdict.GOOD,
        "2026-01-01T00:00:00Z (2 h 11 min ago); 1 that came since is looked at next.",
    ),
    "many came since": (
        {"whole_at": START, "sequence": 1},
        Verdict.GOOD,
        (
            "No sign of it: 1 entry holds, last followed from the beginning 2026-01-01T00:00:00Z"
            " (2 h 11 min ago); 5 that came since are looked at next."
        ),
    ),
    "whole": ({"whole_at": START, "sequence": 6}, Verdict.GOOD, f"(2 h 11 min ago). {CUT_OFF}"),
}


@pytest.mark.parametrize(("changes", "verdict", "told"), TRAILS.values(), ids=TRAILS.keys())
async def test_what_is_known_of_the_audit_trail_is_told(
    changes: dict[str, object], verdict: Verdict, told: str
) -> None:
    sight = with_audit(await look_at(await at_rest()), **changes).sight  # type: ignore[arg-type]  # a table of cases
    assert said(sight, TAMPERED)[0] is verdict
    assert told in said(sight, TAMPERED)[1]


async def test_what_was_broken_before_the_ledger_went_away_stays_so() -> None:
    look = with_audit(without_ledger(await look_at(await at_rest())), broken="entry 2 was changed")
    assert said(look.sight, TAMPERED) == (Verdict.BAD, "Yes: entry 2 was changed.")


async def test_without_a_staged_key_the_next_thing_is_that_one_is_made() -> None:
    look = await look_at(await at_rest())
    assert look.report is not None

    def unstaged(status: RingStatus | None) -> RingStatus:
        assert status is not None
        return replace(status, ring=replace(status.ring, versions=(status.ring.active,)), upcoming=())

    rings = {family: unstaged(status) for family, status in look.report.rings.items()}
    none = "no key is staged; the next pass of reconcile stages one"
    found = replace(look, report=replace(look.report, rings=rings))
    assert said(found.sight, NEXT) == (Verdict.GOOD, f"jwt: {none}. aes: {none}.")
