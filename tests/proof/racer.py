"""One of the processes that ask for the same rotation, turn after turn; and the one that reconciles meanwhile."""

import asyncio
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any, Final

from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import AlreadyRotated, Rotated
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.proof.race_ledger import Hold, RaceLedger
from tests.proof.race_turns import Kind, Tale, Turn, kind_of, ring_of
from tests.proof.wrong_designs import Design
from tests.support.crew import ANSWER_S, Line, run_plainly

_PAUSE_S: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RacePost:
    """What a racer has to know. `number` counts from 0."""

    settings: Settings
    number: int
    racers: int
    generations: int
    start: Barrier
    design: Design


def race(post: RacePost, line: Line) -> None:
    """Be a racer, then send the tale."""
    line.send(run_plainly(_race(post)))


def keep(settings: Settings, design: Design, start: Barrier, line: Line) -> None:
    """Reconcile until anything is said, then send the tale."""
    line.send(run_plainly(_keep(settings, design, start, line)))


async def _race(post: RacePost) -> Tale:
    async with open_container(post.settings) as container:
        ledger = _watched(container, post.design, post.start)
        turns = []
        for turn in range(post.generations):
            post.start.wait(ANSWER_S)
            await asyncio.sleep(container.windows().publish_to_promote.total_seconds())
            turns.append(await _turn(container, ledger, post, turn))
    return Tale(turns=tuple(turns), generations=tuple(ledger.generations))


async def _keep(settings: Settings, design: Design, start: Barrier, line: Line) -> Tale:
    async with open_container(settings) as container:
        ledger = _watched(container, design, start)
        troubles: list[str] = []
        is_enough = False
        while not is_enough:
            is_enough = line.poll(_PAUSE_S)
            troubles += [trouble for family in Family if (trouble := await _reconcile(container, family))]
    return Tale(turns=(), generations=tuple(ledger.generations), troubles=tuple(troubles))


async def _reconcile(container: Container, family: Family) -> str | None:
    """Make a pass, and say what troubles it."""
    try:
        await container.reconcile()(family)
    except JournalKeysError as failure:
        return f"reconcile: {type(failure).__name__}: {failure}"
    return None


def _watched(container: Container, design: Design, start: Barrier) -> RaceLedger:
    design(container)
    ledger = RaceLedger(ledger=container.ledger(), start=start)
    container.ledger.override(ledger)
    return ledger


async def _turn(container: Container, ledger: RaceLedger, post: RacePost, turn: int) -> Turn:
    kind = kind_of(turn)
    is_late = kind is Kind.LATE and post.number == turn % post.racers
    ledger.hold = _hold(kind, is_late=is_late)
    ledger.promoted.clear()
    mine = f"-by-{post.number}" if kind is Kind.OWN_IDS else ""
    told = await _told(container, ring_of(turn), f"race-{turn}{mine}", f"racer-{post.number}")
    if kind is Kind.LATE and not is_late:
        post.start.wait(ANSWER_S)
    return Turn(**told, promoted=tuple(ledger.promoted))


def _hold(kind: Kind, *, is_late: bool) -> Hold:
    if kind is Kind.LATE:
        return Hold.BEFORE_LOOKING if is_late else Hold.NOT
    return Hold.AFTER_LOOKING


async def _told(container: Container, family: Family, rotation_id: str, racer: str) -> dict[str, Any]:
    request = RotationRequest(rotation_id=rotation_id, scope=family.value, force=True, reason="a race", actor=racer)
    try:
        outcome = await container.rotate_keys()(family, request)
    except JournalKeysError as failure:
        return {"told": type(failure).__name__, "trouble": str(failure)}
    name = type(outcome).__name__
    match outcome:
        case Rotated():
            return {"told": name, "new_kid": outcome.new_kid, "trouble": outcome.unfinished}
        case AlreadyRotated():
            return {"told": name, "new_kid": outcome.new_kid}
        case _:
            return {"told": name, "trouble": "no result"}
