"""A fault at every port call of what moves keys in and out, then the same again: it is done, and nothing is lost."""

import asyncio
import copy
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import get_context
from typing import Any, Final

from journal_keys.adapters.memory.backup_shelf import MemoryBackupShelf
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.paths import compromised_folder, family_folder, versions_folder
from journal_keys.ports.foreign_keys import Work
from journal_keys.use_cases.destroy_key import Grounds
from journal_keys.use_cases.migrate_secrets import Migrated, NothingToMigrate
from tests.proof.crashes import Tally, verdict
from tests.proof.verdict import Verdict
from tests.support.crash_plans import Calls, every, one_each
from tests.support.fault_plan import FaultKind, FaultPlan, ProcessDied
from tests.support.moving import OPENING, Design, House
from tests.support.process import Process, end_of
from tests.support.world import W1, WINDOWS, World

A: Final = Family.AES


class BreachError(Exception):
    """Something that a fault must not break."""


@dataclass(slots=True)
class Before:
    """What a scene knows of the time before its deed."""

    secrets: Mapping[str, bytes] = field(default_factory=dict)
    rings: Mapping[Family, KeyRing] = field(default_factory=dict)
    works: tuple[Work, ...] = ()
    texts: tuple[str, str] = ("", "")
    place: str = ""
    kid: Kid = Kid("")  # noqa: RUF009 (a text)


Deed = Callable[[House, Before], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One deed: what it finds, what has to hold after a fault, and what once it was done again."""

    name: str
    prepare: Callable[[], Awaitable[tuple[House, Before]]]
    deed: Deed
    meanwhile: Deed
    done: Deed


def hold(what: bool, said: str) -> None:  # noqa: FBT001 (a condition)
    """Say what does not hold.

    Raises:
        BreachError: it does not.
    """
    if not what:
        raise BreachError(said)


async def _nothing(_house: House, _before: Before) -> None:
    """Ask for nothing."""


async def _rings(house: House) -> dict[Family, KeyRing]:
    found = {family: (await house.world.ledger.read(family)).ring for family in Family}
    return {family: ring for family, ring in found.items() if ring is not None}


async def _look(house: House, before: Before) -> None:
    before.secrets, before.rings = house.secrets(), await _rings(house)


async def _empty() -> tuple[House, Before]:
    house, before = House(), Before()
    before.works = tuple(await house.works())
    await _look(house, before)
    return house, before


async def _in_use() -> tuple[House, Before]:
    house, before = House(world=await World().initialised()), Before()
    before.works = tuple(await house.works())
    before.texts = await _made(house)
    await _look(house, before)
    return house, before


async def _made(house: House) -> tuple[str, str]:
    process = await Process(house.world).refresh()
    return process.signer.sign({"sub": "x"}), process.cipher.encrypt("said")


async def _all_read(house: House, before: Before) -> None:
    """What was made before, elsewhere and here, is read."""
    unread = await house.unread(before.works)
    hold(not unread, f"what {unread} made is not read")
    if before.texts[0]:
        process = await Process(house.world).refresh()
        hold(process.verifier.verify(before.texts[0])["sub"] == "x", "a token is refused")
        hold(process.cipher.decrypt(before.texts[1]) == "said", "a ciphertext is unreadable")
    await house.world.verify_audit()


async def _migrate(house: House, _before: Before) -> object:
    return await house.migrated()


async def _own_is_read(house: House, before: Before) -> None:
    if before.texts[0]:
        await _all_read(house, Before(texts=before.texts))


async def _migrated(house: House, before: Before) -> None:
    await _all_read(house, before)
    hold(await house.migrated() == NothingToMigrate(items=8), "it is not done")
    places = {one.name for one in await house.shelf.listed()}
    facts = [entry.fact for entry in await house.world.trail.entries()]
    opened = [fact.detail["pre_image"] for fact in facts if fact.action == "migration_opened"]
    hold(len(opened) == 1, f"{len(opened)} migrations were opened")
    hold(opened[0] in places, "its pre-image is not there")
    await _back(house, opened[0], before)


async def _back(house: House, place: str, before: Before) -> None:
    await house.rolled_back(place)
    await _as_before(house, before)


async def _as_before(house: House, before: Before) -> None:
    secrets, rings = house.secrets(), await _rings(house)
    paths = secrets.keys() | before.secrets.keys()
    other = sorted(path for path in paths if secrets.get(path) != before.secrets.get(path))
    hold(not other, f"{other} is not as before")
    versions = {family: ring.versions for family, ring in rings.items()}
    hold(versions == {family: ring.versions for family, ring in before.rings.items()}, "a ring is not as before")
    await house.world.verify_audit()


async def _moved() -> tuple[House, Before]:
    house, before = await _empty()
    outcome = await house.migrated()
    assert isinstance(outcome, Migrated)
    before.place = outcome.pre_image
    return house, before


async def _moved_beside() -> tuple[House, Before]:
    house, before = await _in_use()
    outcome = await house.migrated()
    assert isinstance(outcome, Migrated)
    before.place = outcome.pre_image
    return house, before


async def _roll_back(house: House, before: Before) -> object:
    return await house.rolled_back(before.place)


async def _lived_in() -> tuple[House, Before]:
    house, before = await _empty()
    await house.migrated()
    house.world.clock.pass_time(W1)
    for family in Family:
        await house.world.rotated(family, family.value)
    before.texts = await _made(house)
    await _look(house, before)
    return house, before


async def _back_up(house: House, _before: Before) -> object:
    return await house.backed_up()


async def _backed_up(house: House, before: Before) -> None:
    await _all_read(house, before)
    made = [one.name for one in await house.shelf.listed() if one.name.startswith("backup-")]
    hold(bool(made), "there is no backup")
    for place in made:
        other = House(world=World(clock=house.world.clock), kept=house.kept)
        await other.restored(place)
        await _all_read(other, before)


async def _lost() -> tuple[House, Before]:
    """Ledger and store are gone, but for a tombstone of a key that was compromised after the backup."""
    house, before = await _lived_in()
    before.place = (await house.backed_up()).place
    before.kid = Kid("old_1")
    await house.world.compromise(A, before.kid, actor="test", reason="leaked")
    stone = compromised_folder(A).child(before.kid)
    line = (await house.world.store.read_folder(stone.folder)).secrets[before.kid]
    other = House(world=World(clock=house.world.clock), kept=house.kept)
    await other.world.store.put_new(stone, line)
    before.works = tuple(work for work in before.works if work.kid != before.kid)
    return other, before


async def _lost_ledger() -> tuple[House, Before]:
    house, before = await _lived_in()
    before.place = (await house.backed_up()).place
    return House(world=World(clock=house.world.clock, store=house.world.store), kept=house.kept), before


async def _restore(house: House, before: Before) -> object:
    return await house.restored(before.place)


async def _all_or_nothing(house: House, before: Before) -> None:
    rings = await _rings(house)
    hold(rings.keys() in (set(), set(Family)), f"of the rings {sorted(rings)} only is there")
    if rings and before.kid:
        hold(not rings[A].get(before.kid).is_accepted, "a compromised key is back")


async def _restored(house: House, before: Before) -> None:
    await _all_or_nothing(house, before)
    hold(bool(await _rings(house)), "there is no ring")
    await _all_read(house, before)
    house.world.clock.pass_time(W1 + timedelta(seconds=1))
    for family in Family:
        await house.world.reconciled(family)
    await _all_read(house, before)
    projected = {path for path in before.secrets if path.startswith("/auth/aes/")}
    hold(projected - {f"/auth/aes/versions/{before.kid}"} <= house.secrets().keys(), "a name of the guide is missing")


async def _retired() -> tuple[House, Before]:
    house, before = await _lived_in()
    before.place = (await house.backed_up()).place
    before.kid = Kid("old_1")
    before.works = tuple(work for work in before.works if work.kid != before.kid)
    await _look(house, before)
    return house, before


async def _destroy(house: House, before: Before) -> object:
    backup, _ = await house.checking(before.place, OPENING)
    return await house.destroying(before.kid, Grounds(reason="tidying", actor="test", examined=3, backup=backup))


async def _recorded_first(house: House, before: Before) -> None:
    line = str(versions_folder(A).child(before.kid))
    state = (await house.world.ring(A)).get(before.kid).state
    hold(line in house.secrets() or state is KeyState.DESTROYED, "the material is gone and the ring does not say so")
    await _all_read(house, before)


async def _destroyed(house: House, before: Before) -> None:
    await _recorded_first(house, before)
    hold((await house.world.ring(A)).get(before.kid).state is KeyState.DESTROYED, "it is not destroyed")
    hold(str(versions_folder(A).child(before.kid)) not in house.secrets(), "its material is there")
    keys_map = house.secrets()[str(family_folder(A).child("keys_map"))]
    hold(before.kid.encode() not in keys_map, "a name of the guide holds it")


MOVES: Final = (
    Move(name="migrate", prepare=_empty, deed=_migrate, meanwhile=_own_is_read, done=_migrated),
    Move(name="migrate beside rings", prepare=_in_use, deed=_migrate, meanwhile=_own_is_read, done=_migrated),
    Move(name="roll back", prepare=_moved, deed=_roll_back, meanwhile=_nothing, done=_as_before),
    Move(
        name="roll back beside rings", prepare=_moved_beside, deed=_roll_back, meanwhile=_own_is_read, done=_as_before
    ),
    Move(name="back up", prepare=_lived_in, deed=_back_up, meanwhile=_all_read, done=_backed_up),
    Move(name="restore", prepare=_lost, deed=_restore, meanwhile=_all_or_nothing, done=_restored),
    Move(name="restore the ledger", prepare=_lost_ledger, deed=_restore, meanwhile=_all_or_nothing, done=_restored),
    Move(name="destroy", prepare=_retired, deed=_destroy, meanwhile=_recorded_first, done=_destroyed),
)


def _copied(house: House, plan: FaultPlan | None = None, design: Design | None = None) -> House:
    clock = copy.copy(house.world.clock)
    ledger, store, kept = MemoryLedger(clock, WINDOWS.skew), MemorySecretStore(), MemoryBackupShelf(clock)
    for of, to in ((house.world.ledger, ledger), (house.world.store, store), (house.kept, kept)):
        vars(to).update({name: copy.copy(value) for name, value in vars(of).items() if name != "_clock"})
    return House(world=World(clock=clock, store=store, shared_ledger=ledger), kept=kept, plan=plan, design=design)


def _again(house: House) -> House:
    """The next process, a little later, on what the former one left."""
    house.world.clock.pass_time(timedelta(seconds=1))
    return House(world=house.world, kept=house.kept, design=house.design)


async def _breach(move: Move, house: House, before: Before, plan: FaultPlan, design: Design | None) -> str | None:
    mine = copy.copy(before)
    struck = _copied(house, plan, design)
    ended = await end_of(plan, move.deed(struck, mine))
    if isinstance(ended, BaseException) and not isinstance(
        ended, JournalKeysError | ProcessDied | asyncio.CancelledError
    ):
        return f"it ended with {type(ended).__name__}: {ended}"
    try:
        await move.meanwhile(_again(struck), mine)
        await move.deed(_again(struck), mine)
        await move.done(_again(struck), mine)
    except (BreachError, JournalKeysError) as breach:
        return f"{type(breach).__name__}: {breach}"
    return None


async def enumerate_faults(
    move: Move,
    plans: Callable[[Calls], Iterable[FaultPlan]],
    *,
    most: int = 1_000,
    design: Design | None = None,
) -> Tally:
    """Strike as planned, over all calls of the deed; up to so many breaches."""
    house, before = await move.prepare()
    count = FaultPlan(at=-1, kind=FaultKind.HANG)
    await move.deed(_copied(house, count, design), copy.copy(before))
    tally = Tally()
    for plan in plans(count.open_to):
        if len(tally.breaches) == most:
            break
        breach = await _breach(move, house, before, plan, design)
        tally.faults += plan.has_struck
        if breach and plan.has_struck:
            where = plan.calls[plan.at] if plan.at < len(plan.calls) else "?"
            tally.breaches.append(f"{move.name}; call {plan.at} ({where}): {plan.kind.value}: {breach}")
    return tally


def _done(task: tuple[str, bool]) -> Tally:
    name, nightly = task
    move = next(one for one in MOVES if one.name == name)
    return asyncio.run(enumerate_faults(move, every if nightly else one_each))


def run(*, nightly: bool) -> Verdict:
    """One kind at each call in turn; nightly every kind at each, in as many processes as there are processors."""
    tasks = [(move.name, nightly) for move in MOVES]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) if nightly else nullcontext() as pool:
        tallies: Any = (pool.map if pool else map)(_done, tasks)
        parts = {name: tally for (name, _), tally in zip(tasks, tallies, strict=True)}
    told = verdict(parts)
    return Verdict(lines=(*told.lines[:-1], f"moves: {told.lines[-1]}"), holds=told.holds)
