"""The parts of the page below its answers, as values."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.prometheus.counts import Counts
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.keys import Family, KeyState
from journal_keys.entrypoints.status.answer import Verdict
from journal_keys.entrypoints.status.page import Page
from journal_keys.entrypoints.status.table import Table
from journal_keys.entrypoints.status.words import Code, Moment, Sentence
from tests.support.looks import Look, key, look_at, ring_of, with_audit, without_ledger
from tests.support.world import START, W1, W2, World

STATE = KeyState.DEACTIVATED


def words(sentence: Sentence) -> str:
    shown = [one.iso if isinstance(one, Moment) else one.code if isinstance(one, Code) else one for one in sentence]
    return " ".join(shown)


def rows(table: Table) -> list[list[str]]:
    assert {len(row) for row in table.rows} <= {len(table.heads)}
    return [[words(cell) for cell in row] for row in table.rows]


def tables_of(page: Page, family: Family) -> dict[str, Table]:
    (part,) = (ring for ring in page.rings if ring.family is family)
    return {table.caption.partition(" ring")[0]: table for table in part.tables}


async def held_back() -> Look:
    """Two rotations that wait for an instance."""
    world = await World().initialised()
    for name in ("first", "second", "third"):
        await world.rotated(Family.JWT, name)
    world.clock.pass_time(W1)
    ledger = cast("MemoryLedger", world.ledger)
    await ledger.report("slow", {Family.JWT: 1, Family.AES: 1}, expires_in=timedelta(minutes=5))
    await ledger.report("one", {Family.JWT: 5, Family.AES: 1}, expires_in=timedelta(minutes=5))
    return await look_at(world)


async def test_the_page_is_as_bad_as_its_worst_answer() -> None:
    look = await look_at(await World().initialised())
    assert look.page.verdict is Verdict.GOOD
    assert with_audit(look).page.verdict is Verdict.UNKNOWN
    assert replace(with_audit(look), health=None).page.verdict is Verdict.LOOK
    assert with_audit(look, broken="entry 1 is gone").page.verdict is Verdict.BAD


async def test_what_happens_next_is_listed_with_its_time_and_its_reason() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT)
    await world.rotated(Family.AES, "r2")
    page, jwt, aes = (await look_at(world)).page, await world.ring(Family.JWT), await world.ring(Family.AES)
    assert jwt.staged is not None
    assert aes.staged is not None
    first, second = rows(tables_of(page, Family.JWT)["What happens next in"])
    assert first[1:] == [
        "it is destroyed, past its last token",
        Moment(START + W1 + W2).iso,
        "the time W2 has passed then since it was demoted",
    ]
    assert second[0] == jwt.staged.kid
    assert second[3] == "the key in use is due then, 60 d after it came into use"
    assert rows(tables_of(page, Family.AES)["What happens next in"])[1][1:] == [
        "it decrypts until it is proved that nothing uses it",
        "no time decides it",
        "",
    ]


async def test_rotations_that_wait_are_listed_with_who_asked_and_who_holds_them_back() -> None:
    look = await held_back()
    tables = tables_of(look.page, Family.JWT)
    waiting = rows(tables["Rotations that wait"])
    assert [row[:3] for row in waiting] == [["second", "test", "test"], ["third", "test", "test"]]
    assert "instance slow holds generation 1 of 5" in waiting[0][5]
    assert [row[:2] for row in rows(tables["Who holds them back"])] == [["slow", "generation 1 of 5"]]
    assert rows(tables["What happens next in"])[0][3] == waiting[0][5]


async def test_without_a_rotation_that_waits_there_are_no_gates() -> None:
    page = (await look_at(await World().initialised())).page
    assert set(tables_of(page, Family.JWT)) == {"What happens next in", "Keys of"}


async def test_instances_are_listed_and_this_one_is_marked() -> None:
    reported, _ = (await held_back()).page.instances
    assert [row[:4] for row in rows(reported)] == [
        [
            "one (this process)",
            "yes",
            "generation 5, since 2026-01-01T00:22:30Z",
            "generation 1, since 2026-01-01T00:22:30Z",
        ],
        ["slow", "no", "generation 1, since 2026-01-01T00:22:30Z", "generation 1, since 2026-01-01T00:22:30Z"],
    ]


async def test_what_this_process_holds_is_listed_with_what_is_the_matter_with_it() -> None:
    world = await World().initialised()
    look = await look_at(world)
    (jwt, aes), kid = rows(look.page.instances[1]), (await world.ring(Family.AES)).active.kid
    assert (jwt[0], aes[0], aes[2]) == ("jwt", "aes", kid)
    known = look.known[Family.AES]
    assert known is not None
    spoiled = {Family.JWT: None, Family.AES: replace(known, has_material=False, is_restored=True)}
    (only,) = rows(replace(look, known=spoiled).page.instances[1])
    assert only[2:] == [f"{kid} whose material it could not read", "2026-01-01T00:11:15Z as a former process kept it"]


async def test_every_key_is_in_the_table_beside_the_time_line_with_the_same_moments() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT)
    page = (await look_at(world)).page
    part = page.rings[0]
    assert part.timeline is not None
    listed = rows(tables_of(page, Family.JWT)["Keys of"])
    assert [row[0] for row in listed] == [lane.version.kid for lane in part.timeline.lanes]
    assert [row[2] for row in listed] == ["PRE_ACTIVATION", "ACTIVE", "DEACTIVATED"]
    assert [row[4:6] for row in listed] == [
        ["not yet", "not yet"],
        ["2026-01-01T00:11:15Z", "now"],
        ["2026-01-01T00:00:00Z", "2026-01-01T00:11:15Z"],
    ]


def fact(action: str, reason: str = "over HTTP", **detail: str) -> AuditFact:
    return AuditFact(
        at=START, actor="http:loopback", action=action, family=None, kid=None, reason=reason, detail=detail
    )


async def test_calls_that_tell_the_same_are_one_row_and_changes_are_a_row_each() -> None:
    world = await World().initialised()
    for number in range(3):
        await world.trail.append(fact("admin_called", route="GET /status", request_id=f"id{number}"))
    await world.trail.append(fact("admin_called", route="GET /keys", request_id="id9"))
    for _ in range(2):
        await world.trail.append(fact("key_promoted", rotation_id="r1"))
    listed = rows((await look_at(world)).page.audit)
    assert [row[0] for row in listed] == ["12", "11", "10", "7 to 9", "6", "5", "4", "3", "2", "1"]
    assert listed[3][1:4] == ["2026-01-01T00:00:00Z", "http:loopback", "admin_called"]
    assert listed[3][6] == "route: GET /status"
    assert listed[0][6] == "rotation_id: r1"


async def test_figures_are_listed_by_what_they_count_and_zeros_are_left_out() -> None:
    counts = Counts(
        fetches={"store": 1, "memory": 12_345},
        failures={"SecretHiddenError": 2},
        webhooks={"taken": 3, "refused": 0},
        redis={},
        old_formats={"fernet": 4},
        held=(),
    )
    figures = replace(await look_at(await World().initialised()), counts=counts).page.figures
    assert [rows(table) for table in figures] == [
        [["memory", "12,345"], ["store", "1"]],
        [["SecretHiddenError", "2"]],
        [],
        [["taken", "3"]],
        [["fernet", "4"]],
    ]
    assert figures[2].empty == "None was asked."


@pytest.mark.parametrize(
    ("apart", "told"),
    [
        (timedelta(0), ""),
        (timedelta(milliseconds=900), ""),
        (timedelta(days=3), "Keys live by the ledger's clock, which stands 3 d behind this machine's."),
        (timedelta(seconds=-5), "Keys live by the ledger's clock, which stands 5 s before this machine's."),
    ],
)
async def test_clocks_that_differ_are_told(apart: timedelta, told: str) -> None:
    look = await look_at(await World().initialised())
    assert replace(look, at=look.now + apart).page.clocks == told


async def test_older_keys_are_counted_where_they_are_not_shown() -> None:
    world = await World().initialised()
    look = await look_at(world)
    known = look.known[Family.JWT]
    assert known is not None
    many = ring_of(*(key(f"jwt_{number}") if not number else key(f"jwt_{number}", STATE) for number in range(14)))
    part = without_ledger(replace(look, known={**look.known, Family.JWT: replace(known, ring=many)})).page.rings[0]
    assert words(part.facts[1]) == "Older keys that are not shown: 2 DEACTIVATED; 'journal-keys keys list' names them"


async def test_without_the_ledger_the_rings_are_those_of_this_process_and_the_rest_is_not_known() -> None:
    page = without_ledger(await look_at(await World().initialised()), "the disk is full").page
    assert page.failure == "the disk is full"
    assert words(page.rings[0].facts[0]) == (
        "As this process holds it: generation 1, which the ledger confirmed 2026-01-01T00:11:15Z"
    )
    assert page.rings[0].timeline is not None
    assert [table.caption for table in page.rings[0].tables] == ["Keys of ring jwt, the newest first"]
    assert (page.audit.empty, page.instances[0].empty) == ("Not known.", "Not known.")


async def test_a_process_that_never_saw_a_ring_says_so() -> None:
    look = without_ledger(await look_at(await World().initialised()))
    part = replace(look, known={Family.JWT: None, Family.AES: None}).page.rings[0]
    assert (part.timeline, part.tables, words(part.facts[0])) == (None, (), "Nothing is known of it")
    made = (await look_at(await World().initialised(Family.JWT))).page.rings[1]
    assert words(made.facts[0]) == "There is no aes ring: run 'journal-keys init'"
