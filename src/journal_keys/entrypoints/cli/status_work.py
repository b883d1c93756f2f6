"""What `journal-keys status` does: one look, or one after the other."""

import asyncio
import io
import json as json_text
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

import typer

from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.cli.output import plain, print_fields, print_json, printable
from journal_keys.entrypoints.cli.running import on_container
from journal_keys.entrypoints.cli.service_figures import ServiceFigures, figure_lines
from journal_keys.entrypoints.cli.status_fields import as_fields, ring_row
from journal_keys.entrypoints.health_looks import HealthLooks
from journal_keys.entrypoints.status.answers import answers
from journal_keys.entrypoints.status.figures import Figures
from journal_keys.entrypoints.status.page import Page, page_of
from journal_keys.entrypoints.status.sight import Service, Sight
from journal_keys.ports.ledger import LedgerUnavailableError

if TYPE_CHECKING:
    from journal_keys.container import Container
    from journal_keys.domain.status import StatusReport
    from journal_keys.entrypoints.cli.status_screen import Screen

_TICK_S: Final = 1.0
_AUDIT_S: Final = 5.0
"""The audit chain is followed no more often."""
_ENDLESS: Final = 10_000
"""Columns of what is no terminal: nothing is wrapped there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One look, and the uptime of then; its report may be a former one, which has an uptime of its own."""

    sight: Sight
    figures: Figures | None
    at_s: float
    report_s: float

    def page(self, uptime_s: float) -> Page:
        """Give what is shown of it, seen from now."""
        at, report = self.sight.at + timedelta(seconds=uptime_s - self.at_s), self.sight.report
        if report is not None:
            report = replace(report, at=report.at + timedelta(seconds=uptime_s - self.report_s))
        return page_of(replace(self.sight, at=at, report=report), self.figures)


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
        report, clock = await self.container.describe_status()(), self.container.clock()
        at, at_s = clock.read().wall, clock.uptime_s()
        return await self._found(report, "", at=at, at_s=at_s, report_s=at_s)

    async def without_ledger(self, failure: str, before: Found | None) -> Found:
        """Give what can be known now, beside what was seen before."""
        clock, report = self.container.clock(), before.sight.report if before else None
        at, at_s = clock.read().wall, clock.uptime_s()
        return await self._found(report, failure, at=at, at_s=at_s, report_s=before.report_s if before else at_s)

    async def _found(
        self, report: "StatusReport | None", failure: str, *, at: datetime, at_s: float, report_s: float
    ) -> Found:
        health, figures = (await self.health()).health, await self.figures()
        counts = figures.counts if figures else None
        sight = Sight(
            at=at,
            report=report,
            audit=self.container.watch_audit().status(),
            reports=self.reports,
            failure=failure,
            health=health,
            service=Service(name=figures.of, held=counts.held) if figures and counts else None,
        )
        return Found(sight=sight, figures=figures, at_s=at_s, report_s=report_s)

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
        print_json(as_fields(found.sight, found.figures))
    else:
        _print(found)
    if found.sight.audit.broken:
        raise typer.Exit(ExitCode.AUDIT_BROKEN)


def watch(interval: float | None, figures: str | None, *, json: bool) -> None:
    """Show everything again and again until SIGINT or SIGTERM: drawn on a terminal, as lines elsewhere.

    A ledger that is out of reach is asked again.

    Raises:
        InvalidNameError: `figures` is no URL of this machine.
    """
    service = _service(figures)

    async def keep_looking(container: "Container") -> None:
        async with _looking(container, service) as looks:
            await _watch(looks, interval, json=json)

    on_container(keep_looking, waits=True)


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


async def _watch(looks: Looks, interval: float | None, *, json: bool) -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None  # noqa: S101 (this is a coroutine that runs)
    end = _once(task.cancel)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    pause_s = looks.container.windows().poll.total_seconds() if interval is None else interval
    try:
        with _shown(end, json=json) as (show, tick_s):
            await _repeat(looks, show, pause_s, tick_s)
    except asyncio.CancelledError:
        task.uncancel()


def _once(act: Callable[[], object]) -> Callable[[], None]:
    """Do it at the first call only: a second cancellation would meet the closing of what is open."""
    calls = count()

    def call() -> None:
        if next(calls) == 0:
            act()

    return call


async def _repeat(looks: Looks, show: Show, pause_s: float, tick_s: float) -> None:
    """Look after each pause, and show what is known at each tick, with the time that has gone by."""
    uptime_s = looks.container.clock().uptime_s
    try:
        found = await looks()
    except LedgerUnavailableError as failure:  # anything else would not pass by itself
        found = await looks.without_ledger(str(failure), None)
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
            found = await looks.without_ledger(str(failure), found)


@contextmanager
def _shown(end: Callable[[], object], *, json: bool) -> Iterator[tuple[Show, float]]:
    """Give what shows a look, and how often time that goes by is worth showing."""
    from rich.console import Console

    console = Console()
    if json or not sys.stdout.isatty() or console.is_dumb_terminal:
        yield (_print_line if json else _print_block), float("inf")
        return
    from journal_keys.entrypoints.cli.window import open_window

    with open_window(console, end) as window:

        def draw(found: Found, uptime_s: float) -> None:
            window.show(_screen(found, uptime_s).draw(console.width))

        yield draw, _TICK_S


def _screen(found: Found, uptime_s: float) -> "Screen":
    from journal_keys.entrypoints.cli.status_screen import Screen

    report = found.sight.report
    return Screen(page=found.page(uptime_s), seen_at=report.at if report else None)


def _print_line(found: Found, _uptime_s: float) -> None:
    sys.stdout.write(json_text.dumps(plain(as_fields(found.sight, found.figures))) + "\n")
    sys.stdout.flush()


def _print_block(found: Found, uptime_s: float) -> None:
    from rich.console import Console

    text = io.StringIO()  # rich takes 80 columns for those of what it thinks is a terminal
    console = Console(file=text, width=_ENDLESS, color_system=None, highlight=False)
    console.print(_screen(found, uptime_s).draw(_ENDLESS))
    sys.stdout.write(f"{text.getvalue()}\n")
    sys.stdout.flush()


def _print(found: Found) -> None:
    for answer in answers(found.sight):
        sys.stdout.write(f"{answer.question}\n")
        for line in answer.lines:
            sys.stdout.write(f"{'  ' if answer.is_well else '! '}{printable(line)}\n")
    if report := found.sight.report:
        for family in report.rings:
            sys.stdout.write("\n")
            print_fields(ring_row(report, family))
    if found.figures:
        sys.stdout.write(f"\nfigures of {printable(found.figures.of)}\n")
        sys.stdout.writelines(f"{printable(line)}\n" for line in figure_lines(found.figures))
