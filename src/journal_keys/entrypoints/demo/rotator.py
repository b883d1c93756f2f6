"""The process of the demonstration that rotates, and that is killed half-way."""

import asyncio
from multiprocessing.connection import Connection
from typing import Literal, TypeAlias

from journal_keys.container import Container
from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.lifeline import hold_on_to_parent
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings

Word: TypeAlias = Literal["ready", "recovered", "rotating", "rotated"]
_PAUSE_S = 0.05


async def _rotate_for_ever(settings: Settings, told: "Connection[Word, str]") -> None:
    async with open_container(settings) as container:
        for family in Family:
            await container.reconcile()(family)
        told.send("recovered")
        async with asyncio.TaskGroup() as rings:  # two a ring: while one still projects, the other asks again at W1
            for family in (*Family, *Family):
                rings.create_task(_keep_rotating(container, family, told))


async def _keep_rotating(container: Container, family: Family, told: "Connection[Word, str]") -> None:
    while True:
        try:
            wait_s = await _rotate(container, family, told)
        except JournalKeysError:
            wait_s = _PAUSE_S  # the next turn, or the next rotator, finishes it
        await asyncio.sleep(wait_s)


async def _rotate(container: Container, family: Family, told: "Connection[Word, str]") -> float:
    """Rotate if the gate allows, and give the seconds until it will: no moment is asked for later than W1."""
    page = await container.ledger().read(family)
    ring = page.ring
    if ring is None or ring.staged is None:
        await container.reconcile()(family)
        return _PAUSE_S
    wait_s = (rotation.gate(ring.staged, container.windows()) - page.now).total_seconds()
    if wait_s > 0:
        return wait_s
    told.send("rotating")
    request = RotationRequest(
        rotation_id=f"demo-{ring.active.kid}", scope=family.value, force=True, reason="demonstration", actor="demo"
    )
    await container.rotate_keys()(family, request)
    told.send("rotated")
    return 0


def rotate(settings: Settings, told: "Connection[Word, str]") -> None:
    """Be the rotator process: wait for the word to begin, then rotate until killed."""
    hold_on_to_parent()
    told.send("ready")
    told.recv()
    asyncio.run(_rotate_for_ever(settings, told))
