"""The process that rotates both rings when it is told to, and is killed meanwhile."""

import asyncio
import tempfile
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from journal_keys.container import Container
from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Waiting
from journal_keys.entrypoints.background import Background
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.proof.wrong_designs import Design
from tests.support.crew import Line, run_plainly

_PAUSE_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class VictimPost:
    """What the victim has to know."""

    settings: Settings
    rotation_id: str
    design: Design


def rotate_when_told(post: VictimPost, line: Line) -> None:
    """Say when ready, wait for a word, rotate, say that it is done, and wait for the end."""
    tempfile.tempdir = str(post.settings.journal_keys_home.parent)  # what the killed leave there goes with the home
    run_plainly(_rotate(post, line))


async def _rotate(post: VictimPost, line: Line) -> None:
    async with open_container(post.settings) as container, _beside_others(container, post.settings):
        post.design(container)
        await asyncio.sleep(await _gate_s(container))
        line.send("ready")
        line.recv()
        for family in Family:
            request = RotationRequest(
                rotation_id=post.rotation_id, scope="both", force=True, reason="to be killed", actor="victim"
            )
            while isinstance(await container.rotate_keys()(family, request), Waiting):  # noqa: ASYNC110 (for a report)
                await asyncio.sleep(_PAUSE_S)
        line.send("done")
        line.recv()


def _beside_others(container: Container, settings: Settings) -> AbstractAsyncContextManager[object]:
    """Where others share the ledger, do as a service does: refresh, report, listen, and take turns at the rest."""
    if not settings.reports_instance:
        return nullcontext()
    return Background(
        container=container, poll=settings.poll, reconcile_interval=settings.reconcile_interval, reports=True
    )


async def _gate_s(container: Container) -> float:
    """How long it is until both staged keys may be promoted."""
    waits = [timedelta(0)]
    for family in Family:
        page = await container.ledger().read(family)
        if page.ring is not None and page.ring.staged is not None:
            waits.append(rotation.gate(page.ring.staged, container.windows()) - page.now)
    return max(waits).total_seconds()
