"""What `journal-keys status` does: one look, or one after the other."""

import asyncio
import json as json_text
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
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

_TICK_S: Final = 1.0
_AUDIT_S: Final = 5.0
"""The audit chain is followed no more often."""
_ENDLESS: Final = 10_000
"""Columns of what is no terminal: nothing is wrapped there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The last look that succeeded, and the uptime of then; `failure` says why there is no newer one."""

    sight: Sight
    figures: Figures | None
    at_s: float
    failure: str = ""

    def page(self, uptime_s: float) -> Page:
        """Give what is shown of it, seen from now."""
        gone, sight = timedelta(seconds=uptime_s - self.at_s), self.sight
        report = replace(sight.report, at=sight.report.at + gone) if sight.report else None
        return page_of(replace(sight, at=sight.at + gone, report=report), self.figures)


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
        return await self.found(await self.container.describe_status()(), "")

    async def found(self, report: "StatusReport | None", failure: str) -> Found:
        """Give what this report shows, or what can be known without one, and why there is none."""
        health, figures, clock = (await self.health()).health, await self.figures(), self.container.clock()
        counts = figures.counts if figures else None
        sight = Sight(
            at=clock.read().wall,
            report=report,
            audit=report.audit if report else self.container.watch_audit().status(),
            reports=self.reports,
            failure=failure,
            health=health,
            service=Service(name=figures.of, held=counts.held) if figures and counts else None,
        )
        return Found(sight=sight, figures=figures, at_s=clock.uptime_s())

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
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    pause_s = looks.container.windows().poll.total_seconds() if interval is None else interval
    try:
        with _shown(task.cancel, json=json) as (show, tick_s):
            await _repeat(looks, show, pause_s, tick_s)
    except asyncio.CancelledError:
        task.uncancel()


async def _repeat(looks: Looks, show: Show, pause_s: float, tick_s: float) -> None:
    """Look after each pause, and show what is known at each tick, with the time that has gone by."""
    uptime_s = looks.container.clock().uptime_s
    found = await _first(looks)
    while True:
        until_s = uptime_s() + pause_s
        show(found, uptime_s())
        while (left_s := until_s - uptime_s()) > tick_s:
            await asyncio.sleep(tick_s)
            show(found, uptime_s())
        await asyncio.sleep(max(left_s, 0))
        if found.sight.report is None:
            found = await _first(looks)
            continue
        try:
            found = await looks()
        except JournalKeysError as failure:
            found = replace(found, failure=str(failure), figures=await looks.figures())


async def _first(looks: Looks) -> Found:
    try:
        return await looks()
    except LedgerUnavailableError as failure:
        return await looks.found(None, str(failure))


@contextmanager
def _shown(end: Callable[[], object], *, json: bool) -> Iterator[tuple[Show, float]]:
    """Give what shows a look, and how often time that goes by is worth showing."""
    from rich.console import Console

    console = Console()
    if json or not console.is_terminal or console.is_dumb_terminal:
        yield (_print_line if json else _print_block), float("inf")
        return
    from journal_keys.entrypoints.cli.status_screen import Screen
    from journal_keys.entrypoints.cli.window import open_window

    with open_window(console, end) as window:

        def draw(found: Found, uptime_s: float) -> None:
            window.show(Screen(page=found.page(uptime_s), failure=found.failure).draw(console.width))

        yield draw, _TICK_S


def _print_line(found: Found, _uptime_s: float) -> None:
    fields = as_fields(found.sight, found.figures)
    sys.stdout.write(json_text.dumps(plain(fields | {"failure": found.failure or found.sight.failure})) + "\n")
    sys.stdout.flush()


def _print_block(found: Found, uptime_s: float) -> None:
    from rich.console import Console

    from journal_keys.entrypoints.cli.status_screen import Screen

    console = Console(width=_ENDLESS, color_system=None, highlight=False)
    console.print(Screen(page=found.page(uptime_s), failure=found.failure).draw(_ENDLESS))
    console.print()
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
