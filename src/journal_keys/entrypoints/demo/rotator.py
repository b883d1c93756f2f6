"""The process of the demonstration that rotates, and that is killed half-way."""

import asyncio
from multiprocessing.connection import Connection
from typing import Literal, TypeAlias

from journal_keys.container import Container
from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings

Word: TypeAlias = Literal["recovered", "rotating", "rotated"]
_PAUSE_S = 0.05


async def _rotate_for_ever(settings: Settings, told: "Connection[Word, Word]") -> None:
    async with open_container(settings) as container:
        for family in Family:
            await container.reconcile()(family)
        told.send("recovered")
        while True:
            for family in Family:
                try:
                    await _rotate(container, family, told)
                except JournalKeysError:
                    continue  # the next turn, or the next rotator, finishes it
            await asyncio.sleep(_PAUSE_S)


async def _rotate(container: Container, family: Family, told: "Connection[Word, Word]") -> None:
    page = await container.ledger().read(family)
    ring = page.ring
    if ring is None or ring.staged is None:
        await container.reconcile()(family)
        return
    if page.now < rotation.gate(ring.staged, container.windows()):
        return
    told.send("rotating")
    request = RotationRequest(
        rotation_id=f"demo-{ring.active.kid}", scope=family.value, force=True, reason="demonstration", actor="demo"
    )
    await container.rotate_keys()(family, request)
    told.send("rotated")


def rotate(settings: Settings, told: "Connection[Word, Word]") -> None:
    """Be the rotator process until killed."""
    asyncio.run(_rotate_for_ever(settings, told))
