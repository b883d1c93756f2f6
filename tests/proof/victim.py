"""The process that rotates both rings when it is told to, and is killed meanwhile."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from journal_keys.container import Container
from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.proof.wrong_designs import Design
from tests.support.crew import Line, run_plainly


@dataclass(frozen=True, slots=True, kw_only=True)
class VictimPost:
    """What the victim has to know."""

    settings: Settings
    rotation_id: str
    design: Design


def rotate_when_told(post: VictimPost, line: Line) -> None:
    """Say when ready, wait for a word, rotate, say that it is done, and wait for the end."""
    run_plainly(_rotate(post, line))


async def _rotate(post: VictimPost, line: Line) -> None:
    async with open_container(post.settings) as container:
        post.design(container)
        await asyncio.sleep(await _gate_s(container))
        line.send("ready")
        line.recv()
        for family in Family:
            request = RotationRequest(
                rotation_id=post.rotation_id, scope="both", force=True, reason="to be killed", actor="victim"
            )
            await container.rotate_keys()(family, request)
        line.send("done")
        line.recv()


async def _gate_s(container: Container) -> float:
    """How long it is until both staged keys may be promoted."""
    waits = [timedelta(0)]
    for family in Family:
        page = await container.ledger().read(family)
        if page.ring is not None and page.ring.staged is not None:
            waits.append(rotation.gate(page.ring.staged, container.windows()) - page.now)
    return max(waits).total_seconds()
