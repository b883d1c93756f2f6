"""What `journal-keys status` does: one look, or one after the other."""

import asyncio
import json as json_text
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import typer

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.status import StatusReport
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.cli.output import plain, print_fields, print_json, printable
from journal_keys.entrypoints.cli.running import on_container
from journal_keys.entrypoints.cli.service_figures import Figures, ServiceFigures, figure_lines
from journal_keys.entrypoints.cli.status_fields import as_fields, ring_row
from journal_keys.entrypoints.health_looks import HealthLooks
from journal_keys.entrypoints.status.answer import Answer
from journal_keys.entrypoints.status.answers import answers
from journal_keys.entrypoints.status.sight import Sight
from journal_keys.use_cases.check_health import Health

if TYPE_CHECKING:
    from journal_keys.container import Container

_TICK_S: Final = 1.0
_AUDIT_S: Final = 5.0
"""The audit chain is followed no more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The last report and what it means; `failure` says why there is no newer one. `figures` are those asked for."""

    report: StatusReport
    answers: tuple[Answer, ...]
    at_s: float
    health: Health | None
    failure: str = ""
    figures: Figures | None = None

    def now(self, uptime_s: float) -> datetime:
        """Give the ledger's time as it has gone on since the report."""
        return self.report.at + timedelta(seconds=uptime_s - self.at_s)


Show = Callable[[Found, float], None]


@dataclass(slots=True, kw_only=True)
class Looks:
    """Looks at ledger and store, follows the audit chain, and asks for a service's figures where it is named."""

    container: "Container"
    health: HealthLooks
    reports: bool
    service: ServiceFigures | None
    followed_s: float = float("-inf")

    async def __call__(self) -> Found:
        """Give what is found now.

        Raises:
            JournalKeysError: the ledger cannot be read.
        """
        now_s = self.container.clock().uptime_s()
        if now_s - self.followed_s >= _AUDIT_S:
            await self.container.watch_audit()()
            self.followed_s = now_s
        report = await self.container.describe_status()()
        health = (await self.health()).health
        at = self.container.clock().read().wall
        seen = Sight(at=at, report=report, audit=report.audit, reports=self.reports, health=health)
        return Found(report=report, answers=answers(seen), at_s=now_s, health=health, figures=await self.figures())

    async def figures(self) -> Figures | None:
        """Give the service's, None where none is named."""
        return None if self.service is None else await asyncio.to_thread(self.service.read)


def status(figures: str | None, *, json: bool) -> None:
    """Show the answers and both rings once; the code says whether the audit chain holds.

    Raises:
        InvalidNameError: `figures` is no URL of this machine.
    """
    service = _service(figures)

    async def look(container: "Container") -> Found:
        async with _looking(container, service) as looks:
            return await looks()

    found = on_container(look)
    if json:
        print_json(_fields(found))
    else:
        _print(found)
    if found.report.audit.broken:
        raise typer.Exit(ExitCode.AUDIT_BROKEN)


def watch(interval: float | None, figures: str | None, *, json: bool) -> None:
    """Show them again and again until SIGINT or SIGTERM: drawn on a terminal, as lines elsewhere.

    Raises:
        InvalidNameError: `figures` is no URL of this machine.
    """
    service = _service(figures)

    async def keep_looking(container: "Container") -> None:
        async with _looking(container, service) as looks:
            await _watch(looks, interval, json=json)

    on_container(keep_looking)


def _service(figures: str | None) -> ServiceFigures | None:
    return None if figures is None else ServiceFigures.at(figures)


@asynccontextmanager
async def _looking(container: "Container", service: ServiceFigures | None) -> AsyncIterator[Looks]:
    from journal_keys.entrypoints.settings import Settings

    chosen = Settings.from_environment()
    async with HealthLooks(
        container=container, within=chosen.health_timeout, counts_for=chosen.health_counts_for
    ) as health:
        yield Looks(container=container, health=health, reports=chosen.reports_instance, service=service)


def _fields(found: Found) -> dict[str, object]:
    return as_fields(found.report, found.answers, found.health, found.figures)


async def _watch(looks: Looks, interval: float | None, *, json: bool) -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None  # noqa: S101 (this is a coroutine that runs)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    pause_s = looks.container.windows().poll.total_seconds() if interval is None else interval
    try:
        with _shown(json=json) as (show, tick_s):
            await _repeat(looks, show, pause_s, tick_s)
    except asyncio.CancelledError:
        task.uncancel()


async def _repeat(looks: Looks, show: Show, pause_s: float, tick_s: float) -> None:
    """Look after each pause, and show what is known at each tick, with the time that has gone by."""
    uptime_s = looks.container.clock().uptime_s
    found = await looks()
    while True:
        until_s = uptime_s() + pause_s
        show(found, uptime_s())
        while (left_s := until_s - uptime_s()) > tick_s:
            await asyncio.sleep(tick_s)
            show(found, uptime_s())
        await asyncio.sleep(max(left_s, 0))
        try:
            found = await looks()
        except JournalKeysError as failure:
            found = replace(found, failure=str(failure), figures=await looks.figures())


@contextmanager
def _shown(*, json: bool) -> Iterator[tuple[Show, float]]:
    """Give what shows a report, and how often time that goes by is worth showing."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if json or not console.is_terminal or console.is_dumb_terminal:
        yield (_print_line if json else _print_block), float("inf")
        return
    from journal_keys.entrypoints.cli.status_screen import Screen

    with Live(console=console, screen=True, auto_refresh=False) as live:

        def draw(found: Found, uptime_s: float) -> None:
            picture = Screen(
                report=found.report,
                answers=found.answers,
                now=found.now(uptime_s),
                health=found.health,
                failure=found.failure,
                figures=found.figures,
            )
            live.update(picture.draw(console.width), refresh=True)

        yield draw, _TICK_S


def _print_line(found: Found, _uptime_s: float) -> None:
    fields = _fields(found) | {"failure": found.failure}
    sys.stdout.write(json_text.dumps(plain(fields)) + "\n")
    sys.stdout.flush()


def _print_block(found: Found, _uptime_s: float) -> None:
    _print(found)
    sys.stdout.write("\n")
    sys.stdout.flush()


def _print(found: Found) -> None:
    if found.failure:
        sys.stdout.write(f"! as before, asked again: {printable(found.failure)}\n")
    for answer in found.answers:
        sys.stdout.write(f"{answer.question}\n")
        for line in answer.lines:
            sys.stdout.write(f"{'  ' if answer.is_well else '! '}{printable(line)}\n")
    for family in found.report.rings:
        sys.stdout.write("\n")
        print_fields(ring_row(found.report, family))
    if found.figures:
        sys.stdout.write(f"\nfigures of {printable(found.figures.of)}\n")
        sys.stdout.writelines(f"{printable(line)}\n" for line in figure_lines(found.figures))
