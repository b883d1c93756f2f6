"""What the page is made of: one look at the ledger, at this process, and at the figures of all processes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from journal_keys.adapters.prometheus.counts import counts
from journal_keys.container import Container
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.status import StatusReport
from journal_keys.entrypoints.health_looks import Look as HealthLook
from journal_keys.entrypoints.status.figures import Figures
from journal_keys.entrypoints.status.sight import Known, Process, Service, Sight
from journal_keys.ports.view_board import CipherView, SigningView

HealthNow: TypeAlias = Callable[[], Awaitable[HealthLook]]
"""Gives health as it was found just now, in bounded time."""
_FOLLOWED_WITHIN_S: Final = 1.0
"""A longer chain is followed bit by bit, look by look."""


async def look(
    container: Container, health: HealthNow, *, timeout: timedelta, folder: Path | None, reports: bool
) -> tuple[Sight, Figures]:
    """Look at everything: the ledger is waited for as long as `timeout` and a little more.

    The audit chain is followed first where this process has not followed it yet. `reports` is whether instances that
    share this ledger say what they hold, and `folder` where all processes of this service keep their figures.
    """
    container.show_figures()()
    counted = await asyncio.to_thread(counts, folder=folder)
    (at, report, failure), looked = await asyncio.gather(_report(container, timeout), health())
    sight = Sight(
        at=at,
        report=report,
        audit=report.audit if report else container.watch_audit().status(),
        reports=reports,
        failure=failure,
        health=looked.health,
        service=Service(name="this service", held=counted.held),
        process=Process(instance=container.instance_name(), known=_known(container), windows=container.windows()),
    )
    return sight, Figures(of="this service", counts=counted)


async def _report(container: Container, timeout: timedelta) -> tuple[datetime, StatusReport | None, str]:
    """Give the report, or why there is none, and when that was on this machine's clock."""
    report, failure = None, ""
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            await _follow(container)
            report = await container.describe_status()()
    except JournalKeysError as error:
        failure = str(error)
    except TimeoutError:
        failure = f"the ledger did not answer within {timeout.total_seconds():g} s"
    return container.clock().read().wall, report, failure


async def _follow(container: Container) -> None:
    watch = container.watch_audit()
    known = watch.status()
    if known.whole_at is None and not known.broken:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FOLLOWED_WITHIN_S):
                await watch()


def _known(container: Container) -> dict[Family, Known | None]:
    board, uptime_s = container.board(), container.clock().uptime_s()
    signing, cipher = board.signing, board.cipher
    return {
        Family.JWT: _of(signing, uptime_s, has_material=signing is not None and signing.signing is not None),
        Family.AES: _of(cipher, uptime_s, has_material=cipher is not None and cipher.sealing is not None),
    }


def _of(view: SigningView | CipherView | None, uptime_s: float, *, has_material: bool) -> Known | None:
    if view is None:
        return None
    return Known(
        ring=view.ring,
        confirmed_at=view.confirmed_at,
        age=timedelta(seconds=uptime_s - view.confirmed_s),
        is_restored=view.is_restored,
        has_material=has_material,
    )
