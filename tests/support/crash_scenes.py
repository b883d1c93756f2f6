"""The verbs that a crash may hit, each with the world that it finds and with what may be lost by design."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, Kid
from tests.support.crash_worlds import (
    NEW_VALUE,
    Kept,
    due,
    half_compromised,
    just_rotated,
    much_undone,
    nothing,
    oldest_of,
    one_compromised,
    past_retention,
    rest,
    store_secret,
    with_a_secret,
)
from tests.support.world import POLICIES, World

ID: Final = "crashed"
Verb: TypeAlias = Callable[[World, Kept], Awaitable[object]]
Prepare: TypeAlias = Callable[[World, Kept], Awaitable[None]]
Choice: TypeAlias = Callable[[KeyRing], frozenset[Kid]]


def none_of(_: KeyRing) -> frozenset[Kid]:
    return frozenset()


def staged_of(ring: KeyRing) -> frozenset[Kid]:
    return frozenset(version.kid for version in ring.in_states(KeyState.PRE_ACTIVATION))


def active_of(ring: KeyRing) -> frozenset[Kid]:
    return frozenset({ring.active.kid})


async def rotate(process: World, kept: Kept) -> object:
    return await process.rotated(kept.family, ID)


async def rotate_when_due(process: World, kept: Kept) -> object:
    return await process.rotate_when_due(kept.family)


async def init(process: World, kept: Kept) -> object:
    return await process.init(POLICIES[kept.family], actor="test", reason="first keys")


async def retire(process: World, kept: Kept) -> object:
    unused = oldest_of(kept.before) if kept.family is Family.AES else frozenset[Kid]()
    return await process.retire(kept.family, actor="test", reason="old", unused=unused)


async def reconcile(process: World, kept: Kept) -> object:
    return await process.reconcile(kept.family)


async def recover(process: World, kept: Kept) -> object:
    return await process.recover(kept.family, actor="test", reason="ledger lost")


async def set_secret(process: World, _: Kept) -> object:
    await store_secret(process, NEW_VALUE)
    return None


def compromise(choice: Choice) -> Verb:
    async def compromise_one(process: World, kept: Kept) -> object:
        (kid,) = choice(kept.before)
        return await process.compromise(kept.family, kid, actor="test", reason="leaked")

    return compromise_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One verb on one family. `spends` chooses the keys that the verb or a pass may end by design."""

    name: str
    family: Family
    verb: Verb
    prepare: Prepare = rest
    spends: Choice = none_of
    promotes: bool = False
    """Whether the staged key of before is the ACTIVE one at the end, promoted once."""
    loses_ledger: bool = False


def scenes() -> Iterator[Scene]:
    """Every verb, for both families."""
    for family in Family:
        by_time = oldest_of if family is Family.JWT else none_of
        yield Scene(name=f"rotate {family}", family=family, verb=rotate, promotes=True)
        yield Scene(
            name=f"rotate {family} when due",
            family=family,
            verb=rotate_when_due,
            prepare=due,
            spends=by_time,
            promotes=True,
        )
        yield Scene(name=f"rotate {family}, must wait", family=family, verb=rotate, prepare=just_rotated, promotes=True)
        yield Scene(name=f"init {family}", family=family, verb=init, prepare=nothing)
        for name, choice in {"ACTIVE": active_of, "staged": staged_of, "DEACTIVATED": oldest_of}.items():
            yield Scene(
                name=f"compromise the {name} {family} key",
                family=family,
                verb=compromise(choice),
                spends=choice,
                promotes=choice is active_of,
            )
        yield Scene(name=f"retire {family}", family=family, verb=retire, prepare=past_retention, spends=oldest_of)
        yield Scene(
            name=f"reconcile {family}, much undone",
            family=family,
            verb=reconcile,
            prepare=much_undone,
            spends=by_time,
            promotes=True,
        )
        yield Scene(
            name=f"reconcile {family}, half compromised",
            family=family,
            verb=reconcile,
            prepare=half_compromised,
            spends=staged_of,
        )
        yield Scene(name=f"recover {family}", family=family, verb=recover, prepare=one_compromised, loses_ledger=True)
    yield Scene(name="store a secret", family=Family.JWT, verb=set_secret, prepare=with_a_secret)


def scene_named(name: str) -> Scene:
    """Give the one of this name."""
    return next(scene for scene in scenes() if scene.name == name)
