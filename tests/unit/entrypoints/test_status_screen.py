"""What a watched status draws: all that the page shows, in letters, and nothing that could forge a line."""

import io
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest
from rich.console import Console

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.prometheus.counts import Counts
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.forms import iso
from journal_keys.domain.keys import Family, KeyState
from journal_keys.entrypoints.cli.status_screen import Screen
from journal_keys.entrypoints.status.figures import Figures
from journal_keys.entrypoints.status.page import Page, page_of
from journal_keys.entrypoints.status.words import plain
from tests.support.looks import NOTHING, Look, key, look_at, ring_of, with_audit, without_ledger
from tests.support.world import START, W1, World, request

WIDE = 300
AT_REST = "at rest"


def drawn(page: Page, *, width: int = WIDE, seen_at: datetime | None = None, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    console.print(Screen(page=page, seen_at=seen_at).draw(width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def at_rest() -> Look:
    return await look_at(await World().initialised())


async def held_back() -> Look:
    """Rotations that wait for ten instances, one of which is far behind; a compromised key; a fleet; figures."""
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotate(Family.JWT, request("second", Family.JWT, reason="[bold]the quarter[/bold] is over"))
    world.clock.pass_time(W1)
    ledger = cast("MemoryLedger", world.ledger)
    for number in range(10):
        held = {Family.JWT: 1 if number == 0 else 4, Family.AES: 1}
        await ledger.report(f"n{number}", held, expires_in=timedelta(minutes=5))
    counts = replace(NOTHING, fetches={"memory": 4000, "store": 2}, webhooks={"refused": 3})
    look = await look_at(world)
    return replace(look, counts=counts, at=look.at + timedelta(seconds=90))


def texts(page: Page) -> list[str]:
    """All that a page says, sentence by sentence and cell by cell."""
    tables = [*(table for ring in page.rings for table in ring.tables), *page.instances, page.audit, page.health]
    tables += page.figures
    cells = [plain(cell) for table in tables for row in table.rows for cell in row]
    heads = [word for table in tables for word in (table.caption, *(table.heads if table.rows else [table.empty]))]
    said = [line for answer in page.answers for line in (answer.question, *answer.lines)]
    facts = [plain(fact) for ring in page.rings for fact in ring.facts]
    axes = [ring.timeline.axis for ring in page.rings if ring.timeline]
    moments = [iso(at) for axis in axes for at in (axis.begins, axis.ends, axis.now)]
    return [*said, *facts, *heads, *cells, *moments, page.at.iso, page.clocks, page.failure, page.counted]


@pytest.mark.parametrize("width", [WIDE, 80], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", [AT_REST, "held back", "without the ledger", "with a broken chain"])
async def test_everything_that_is_on_the_page_is_drawn(name: str, width: int) -> None:
    look = await (at_rest() if name == AT_REST else held_back())
    if name == "without the ledger":
        look = without_ledger(look, "the disk is full")
    if name == "with a broken chain":
        look = with_audit(look, broken="audit entry 3 was changed")
    page = look.page
    said = "".join(drawn(page, width=width).split())
    assert [text for text in texts(page) if "".join(text.split()) not in said] == []


async def test_a_ring_is_a_line_for_each_key_with_a_letter_for_each_part_of_its_life() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT)
    world.clock.pass_time(W1)
    page = (await look_at(world)).page
    line = page.rings[0].timeline
    assert line is not None
    bars = [row for row in drawn(page).splitlines() if row.startswith("jwt_")]
    assert len(bars) == len(line.lanes) == 3
    for row, lane in zip(bars, line.lanes, strict=True):
        assert row.startswith(f"{lane.version.kid[:13]}~ ")
        letters = row[15:]
        shown = [{"P": "PRE_ACTIVATION", "A": "ACTIVE", "D": "DEACTIVATED"}.get(one) for one in letters]
        past = {bar.state.value for bar in lane.bars if not bar.is_to_come and bar.width > 2}
        assert past <= set(shown)
        assert any(one.islower() for one in letters) == any(bar.is_to_come for bar in lane.bars)
    assert "P staged  A in use  D reads only  C compromised; in small letters what is to come; | now" in drawn(page)


async def test_what_is_past_is_as_long_as_it_lasted() -> None:
    look = await at_rest()
    known = look.known[Family.JWT]
    assert known is not None
    leaked = key("jwt_leaked", KeyState.COMPROMISED, published_at=START)
    half = ring_of(leaked, key("jwt_used", published_at=START + timedelta(days=1)))
    at = START + timedelta(days=2)
    aged = replace(known, ring=half, confirmed_at=at)
    page = without_ledger(replace(look, known={**look.known, Family.JWT: aged}, at=at)).page
    rows = {row[:15].strip(): row[15:] for row in drawn(page).splitlines() if row.startswith("jwt_")}
    assert rows == {"jwt_leaked": "A" * 40 + "C" * 40, "jwt_used": " " * 40 + "A" * 40}


async def test_rings_that_are_not_made_are_drawn_as_that() -> None:
    said = drawn((await look_at(World())).page)
    for family in Family:
        assert f"There is no {family} ring: run 'journal-keys init'." in said


FORGED = {
    "line": "x\nForged: all is well",
    "cursor": "x\x1b[2J\x1b[1;1Hclean",
    "return": "x\rclean",
    "direction": "x\u202eflipped",
}


@pytest.mark.parametrize("reason", FORGED.values(), ids=FORGED.keys())
async def test_a_reason_that_somebody_put_into_the_ledger_forges_no_line(reason: str) -> None:
    look = await at_rest()
    report = look.report
    assert report is not None
    fact = AuditFact(at=START, actor=reason, action="done", family=None, kid=None, reason=reason)
    recent = (replace(report.recent[0], fact=fact), *report.recent[1:])
    spoilt = replace(look, report=replace(report, recent=recent))
    for width in (WIDE, 80):
        said = drawn(replace(spoilt, failure=reason).page, width=width)
        assert reason not in said
        assert not {"\x1b", "\r", "\u202e"} & set(said)
        assert not [line for line in said.splitlines() if line.lstrip().startswith("Forged")]
        assert "".join(reason.encode("unicode_escape").decode("ascii").split()) in "".join(said.split())


async def test_markup_of_a_reason_stays_letters() -> None:
    assert "[bold]the quarter[/bold] is over" in drawn((await held_back()).page)


async def test_a_failure_is_told_beside_what_was_seen_before() -> None:
    look = replace(await at_rest(), failure="it says nothing")
    said = drawn(look.page, seen_at=look.now - timedelta(minutes=3))
    assert "! the ledger cannot be read: it says nothing; its rings are as of 2026-01-01T00:08:15Z (3 min ago)" in said
    assert "  Which key signs now, and since when?\n    jwt_" in said
    assert "! Is anything stuck, and why?\n    Yes: the ledger cannot be read: it says nothing." in said
    for question in (
        "What happens next, and when?",
        "Does every instance agree?",
        "Was the audit trail tampered with?",
    ):
        assert f"  {question}\n    Not known" in said


async def test_where_nothing_was_ever_seen_of_the_ledger_it_is_said_why() -> None:
    page = page_of(replace(without_ledger(await at_rest(), "no answer").sight, process=None), None)
    said = drawn(page)
    assert "! the ledger cannot be read: no answer" in said
    assert "What this process holds" not in said
    assert "Nothing is known of it." in said


async def test_what_is_wrong_is_marked_without_colours_too() -> None:
    look = with_audit(await at_rest(), broken="audit entry 3 was changed")
    assert "! Was the audit trail tampered with?\n    Yes: audit entry 3 was changed." in drawn(look.page)


@pytest.mark.parametrize("width", [30, 60, 120])
async def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    said = drawn((await held_back()).page, width=width)
    assert max(len(line) for line in said.splitlines()) <= width


async def test_colours_only_repeat_what_letters_say() -> None:
    page = (await at_rest()).page
    assert "\x1b[32ma" in drawn(page, colour=True)
    assert "\x1b" not in drawn(page)


async def test_figures_are_those_of_a_service_that_is_named_or_it_is_said_why_there_are_none() -> None:
    sight = (await at_rest()).sight
    url = "http://localhost:8000/metrics"
    counts = Counts(
        fetches={"memory": 4000, "store": 2}, failures={}, webhooks={"refused": 3}, redis={}, old_formats={}, held=()
    )
    said = drawn(page_of(sight, Figures(of=url, counts=counts)))
    assert f"Sums over all processes of {url} since they began to count." in said
    assert "memory       4,000" in said
    assert "Questions to Redis, by what became of them: None was asked." in said
    assert f"Those of {url} are not known: no answer." in drawn(page_of(sight, Figures(of=url, failure="no answer")))
    assert "--figures http://localhost:8000" in drawn(page_of(sight, None))
