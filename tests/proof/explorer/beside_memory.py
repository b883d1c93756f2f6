"""Ledger and store of the explorer's world beside the adapters in memory: the same calls want the same answers.

What is explored is worth no more than this world is like them, and they pass the tests of the contract.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRecord, Transition
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Kid
from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import versions_folder
from journal_keys.ports.clock import Clock
from journal_keys.ports.secret_store import FolderContent
from tests.proof.explorer.actors import Effect
from tests.proof.explorer.world import EPOCH, SKEW, TICK, Books, BrokenPromiseError, Clocks, Ports, Shelf
from tests.support.ledger_contract import CAUSE, fact, key, record

IDS: Final = ("first", "second", "third")
_OF_STORE: Final = ("read_folder", "put_new", "overwrite", "delete")


@dataclass(slots=True)
class _HostClock(Clock):
    """What the world's clocks say."""

    clocks: Clocks = field(default_factory=Clocks)

    def read(self) -> ClockReading:
        return self.clocks.reading()

    def uptime_s(self) -> float:
        return (TICK * self.clocks.uptime).total_seconds()

    def unix_s(self) -> float:
        return self.clocks.reading().wall.timestamp()


@dataclass(slots=True)
class Beside:
    """Both, after the same calls and the same moves of the clock."""

    ports: Ports
    clock: _HostClock = field(default_factory=_HostClock)
    books: Books = field(default_factory=Books)
    shelf: Shelf = frozenset()
    ledger: MemoryLedger = field(init=False)
    store: MemorySecretStore = field(default_factory=MemorySecretStore)
    answers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(self.clock, SKEW)

    async def differ(self, effect: Effect) -> str | None:
        """Make the call of both, and look at all that they hold; say where they differ."""
        looks = [Effect("read", (self.ports.family,)), *(Effect("rotations", (name,)) for name in IDS)]
        for each in (effect, *looks, Effect("read_folder", (versions_folder(self.ports.family),))):
            modelled, real = self._modelled(each), await self._real(each)
            if modelled != real:
                return f"{each.name} gives {modelled!r} in the explorer's world, {real!r} in memory"
            self.answers[f"{each.name}: {real if isinstance(real, str) else 'done'}"] += 1
        return None

    def _modelled(self, effect: Effect) -> object:
        try:
            self.books, self.shelf, answer = self.ports.apply(effect, self.clock.clocks, self.books, self.shelf)
        except BrokenPromiseError as broken:
            return broken
        return type(answer.error()).__name__ if answer.error else _plain(answer.value)

    async def _real(self, effect: Effect) -> object:
        port = self.store if effect.name in _OF_STORE else self.ledger
        arguments = (dict([effect.arguments]),) if effect.name == "overwrite" else effect.arguments
        try:
            return _plain(await getattr(port, effect.name)(*arguments))
        except JournalKeysError as failure:
            return type(failure).__name__


def _plain(value: object) -> object:
    """What can be compared."""
    if isinstance(value, FolderContent):
        return value.folder, {name: held.digest() for name, held in value.secrets.items()}
    return tuple(value) if isinstance(value, Sequence) else value


@dataclass(slots=True)
class Caller:
    """Makes calls at random, for the rings that it has seen, old ones among them."""

    chance: random.Random
    ports: Ports
    rings: list[KeyRing] = field(default_factory=list)
    keys: int = 0

    def next(self, newest: KeyRing | None) -> Effect:
        """One call that may change something, of somebody who may have looked long ago."""
        if newest is not None and newest not in self.rings[-1:]:
            self.rings.append(newest)
        path = versions_folder(self.ports.family).child(self.chance.choice("abc"))
        value = KeyMaterial(self.chance.choice((b"one", b"two")))
        return self.chance.choice(
            (
                *([Effect("commit", (self._transition(),))] * 6),
                *([Effect("settle", (self._record(), fact("rotation_joined")))] * 2),
                Effect("keep_clock"),
                Effect("put_new", (path, value)),
                Effect("overwrite", (path, value)),
                Effect("delete", (path,)),
            )
        )

    def turn(self, clocks: Clocks) -> Clocks:
        """A tick mostly; else the wall clock steps, or the host reboots."""
        passed = clocks._replace(true=clocks.true + 1, uptime=clocks.uptime + 1)
        stepped = clocks._replace(wall_step=self.chance.choice((-3, 0, 3)))
        booted = clocks._replace(boot=clocks.boot + 1, uptime=0)
        return self.chance.choice((clocks, *[passed] * 5, stepped, booted))

    def _transition(self) -> Transition:
        self.keys += 2
        one, other = (key(self.ports.family, number, at=EPOCH) for number in (self.keys, self.keys + 1))
        if not self.rings or self.chance.random() < 0.1:
            return lambda at: rotation.found(one, other, CAUSE.when(at))
        ring = self.chance.choice((self.rings[-1], self.rings[-1], self.chance.choice(self.rings)))
        version, records = self.chance.choice(ring.versions), (self._record(), self._record())
        makers: tuple[Transition, ...] = (
            lambda at: rotation.publish(ring, one, CAUSE.when(at)),
            lambda at: rotation.open_rotation(ring, records[0], CAUSE.when(at)),
            lambda at: rotation.promote(ring, CAUSE.when(at), records[: self.keys % 3]),
            lambda at: rotation.compromise(ring, version.kid, CAUSE.when(at), records),
            lambda at: rotation.retire(ring, (version,), CAUSE.when(at)),
            lambda at: rotation.condemn(ring, (one,), CAUSE.when(at)),
        )
        return self.chance.choice(makers)

    def _record(self) -> RotationRecord:
        waiting = record(self.chance.choice(IDS), self.ports.family, at=EPOCH + TICK * self.chance.randrange(3))
        if not self.rings or self.chance.random() < 0.5:
            return waiting
        return waiting.settled(old=Kid("old"), new=Kid(f"new{self.chance.randrange(3)}"), ring=self.rings[-1])


async def first_difference(ports: Ports, seed: int, calls: int) -> tuple[str | None, Counter[str]]:
    """Make so many calls of both; give where they differ first, and how often which answer was given alike."""
    beside, caller = Beside(ports), Caller(random.Random(seed), ports)
    for _ in range(calls):
        beside.clock.clocks = caller.turn(beside.clock.clocks)
        difference = await beside.differ(caller.next(beside.books.ring))
        if difference:
            return difference, beside.answers
    return None, beside.answers
