"""What a watched status draws: time lines by letters, what waits and for whom, and nothing that could forge a line."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from rich.console import Console

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.prometheus.counts import Counts
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.keys import Family
from journal_keys.domain.status import StatusReport
from journal_keys.entrypoints.cli.service_figures import Figures
from journal_keys.entrypoints.cli.status_screen import Screen
from journal_keys.entrypoints.status.answers import answers
from journal_keys.entrypoints.status.sight import Sight
from journal_keys.use_cases.check_health import Health, HealthStatus, PartHealth
from tests.support.world import START, W1, World, request


def drawn(
    report: StatusReport,
    *,
    width: int = 200,
    failure: str = "",
    colour: bool = False,
    health: Health | None = None,
    figures: Figures | None = None,
) -> str:
    seen = Sight(at=report.at, report=report, audit=report.audit, reports=True, health=health)
    screen = Screen(
        report=report, answers=answers(seen), now=report.at, health=health, failure=failure, figures=figures
    )
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    console.print(screen.draw(width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def described(world: World) -> StatusReport:
    await world.watch_audit()
    return await world.describe()


async def test_a_ring_is_a_line_for_each_key_with_a_letter_for_each_part_of_its_life() -> None:
    world = await World().initialised()
    old = (await world.ring(Family.JWT)).active.kid
    await world.rotated(Family.JWT)
    world.clock.pass_time(W1)
    lines = drawn(await described(world)).splitlines()
    ring = await world.ring(Family.JWT)
    assert ring.staged is not None
    kids = (old, ring.active.kid, ring.staged.kid)
    bars = {kid: next(line for line in lines if line.startswith(f"\u2502 {kid[:13]}")) for kid in kids}
    assert "A" * 30 + "D" * 30 in bars[old]
    assert "P" * 30 + "A" * 30 in bars[ring.active.kid]
    assert " " * 30 + "P" * 30 in bars[ring.staged.kid]


async def test_rings_that_are_not_made_are_drawn_as_that() -> None:
    assert drawn(await described(World())).count("not made yet: run 'journal-keys init'") == 2


async def test_a_wait_names_who_asked_why_and_who_holds_it_back() -> None:
    world = await World().initialised()
    await world.rotated(Family.JWT, "first")
    await world.rotate(Family.JWT, request("second", Family.JWT, reason="[bold]the quarter[/bold] is over"))
    world.clock.pass_time(W1)
    ledger = cast("MemoryLedger", world.ledger)
    for number in range(10):
        held = {Family.JWT: 1 if number == 0 else 4, Family.AES: 1}
        await ledger.report(f"n{number}", held, expires_in=timedelta(minutes=5))
    said = drawn(await described(world))
    assert "  second by test: [bold]the quarter[/bold] is over" in said
    assert "held back by instance n0 holds generation 1 of" in said
    assert "its report expires in 5 min" in said
    assert "10 live instances" in said
    assert "and 2 more" in said
    assert "n0: holds jwt 1, aes 1; reported 0 s ago" in said


FORGED = {
    "line": "x\nForged: all is well",
    "cursor": "x\x1b[2J\x1b[1;1Hclean",
    "return": "x\rclean",
    "direction": "x\u202eflipped",
}


@pytest.mark.parametrize("reason", FORGED.values(), ids=FORGED.keys())
async def test_a_reason_that_somebody_put_into_the_ledger_forges_no_line(reason: str) -> None:
    report = await described(await World().initialised())
    fact = AuditFact(at=START, actor="ops", action="done", family=None, kid=None, reason=reason)
    spoilt = replace(report, recent=(replace(report.recent[0], fact=fact), *report.recent[1:]))
    said = drawn(spoilt, failure=reason)
    assert reason not in said
    assert not {"\x1b", "\r", "\u202e"} & set(said)
    assert not [line for line in said.splitlines() if line.lstrip("\u2502 ").startswith("Forged")]
    assert reason.encode("unicode_escape").decode("ascii") in said


async def test_a_failure_is_told_beside_the_report_of_before() -> None:
    said = drawn(await described(await World().initialised()), failure="the ledger says nothing")
    assert "asked again: the ledger says nothing" in said
    assert "Which key signs now" in said


async def test_a_broken_chain_is_drawn_as_one() -> None:
    report = await described(await World().initialised())
    said = drawn(replace(report, audit=replace(report.audit, broken="audit entry 3 was changed")))
    assert "BROKEN: audit entry 3 was changed" in said
    assert "! Was the audit trail tampered with?" in said


@pytest.mark.parametrize("width", [30, 60, 120])
async def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    said = drawn(await described(await World().initialised()), width=width)
    assert max(len(line) for line in said.splitlines()) <= width


async def test_colours_only_repeat_what_letters_say() -> None:
    report = await described(await World().initialised())
    assert "\x1b[32mAAAA" in drawn(report, colour=True)
    assert "AAAA" in drawn(report)


async def test_health_and_encryptions_are_drawn() -> None:
    world = await World().initialised()
    report, health = await described(world), await world.health()
    said = drawn(report, health=health)
    assert "\u2502 store: healthy " in said
    assert "The key in use made 0 encryptions of at most 4,294,967,296" in said
    lost = replace(health, store=PartHealth(status=HealthStatus.UNHEALTHY, reason="the vault is missing"))
    assert "\u2502 store: unhealthy the vault is missing " in drawn(report, health=lost)
    assert "! Is anything stuck, and why? Yes: the secret store: the vault is missing." in drawn(report, health=lost)
    assert "not known: no answer in time" in drawn(report)


async def test_figures_are_a_line_for_each_sum_and_where_there_are_none_it_is_said_why() -> None:
    report = await described(await World().initialised())
    counts = Counts(
        fetches={"memory": 4000, "store": 2}, failures={}, webhooks={"refused": 3}, redis={}, old_formats={}
    )
    said = drawn(report, figures=Figures(of="http://localhost:8000/metrics", counts=counts))
    assert "figures of http://localhost:8000/metrics" in said
    assert "Fetches of secrets and folders, by what answered: memory 4,000, store 2 " in said
    assert "Webhooks, by what became of them: refused 3 " in said
    assert "Questions to Redis, by what became of them: None was asked." in said
    silent = drawn(report, figures=Figures(of="http://localhost:8000/metrics", failure="no answer"), colour=True)
    assert "\x1b[31m! not known: no answer\x1b[0m" in silent
    assert "--figures" in drawn(report)
