"""Where a world stands: in memory, or in a folder with a SQLite ledger and a sealed vault; copied for each crash."""

import copy
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from journal_keys.adapters.embedded.vault import create_vault, open_vault
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.sql.schema import upgrade
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.changes import RingChange, Transition
from journal_keys.domain.keyring import KeyRing
from journal_keys.ports.clock import Clock
from tests.support.world import START, WINDOWS, World

Prepare = Callable[[World], Awaitable[None]]


class MemoryChronicle(MemoryLedger):
    """A ledger in memory that remembers every ring it ever held."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, WINDOWS.skew)
        self.history: list[KeyRing] = []

    async def commit(self, transition: Transition) -> RingChange:
        change = await super().commit(transition)
        self.history.append(change.ring)
        return change


@dataclass(frozen=True)
class SqlChronicle(SqlLedger):
    """A ledger in SQL that remembers every ring that was committed through it."""

    history: list[KeyRing] = field(default_factory=list)

    async def commit(self, transition: Transition) -> RingChange:
        change = await super().commit(transition)
        self.history.append(change.ring)
        return change


Chronicle = MemoryChronicle | SqlChronicle


class Ground(Protocol):
    """Prepares a world once and gives copies of it."""

    async def prepare(self, prepare: Prepare, *, loses_ledger: bool) -> None: ...

    def copy(self) -> AbstractAsyncContextManager[World]: ...


class MemoryGround:
    """Dictionaries, copied."""

    async def prepare(self, prepare: Prepare, *, loses_ledger: bool) -> None:
        clock = ManualClock(START)
        self._world = World(clock=clock, shared_ledger=MemoryChronicle(clock))
        await prepare(self._world)
        if loses_ledger:
            self._world.ledger = MemoryChronicle(clock)

    @asynccontextmanager
    async def copy(self) -> AsyncIterator[World]:
        clock, ledger = self.ledger_copy()
        store = MemorySecretStore()
        _copy_state(self._world.store, store)
        yield World(clock=clock, store=store, shared_ledger=ledger)

    def ledger_copy(self) -> tuple[ManualClock, MemoryChronicle]:
        """A clock and a ledger as they were prepared."""
        clock = copy.copy(self._world.clock)
        ledger = MemoryChronicle(clock)
        _copy_state(self._world.ledger, ledger)
        return clock, ledger


def _copy_state(of: object, to: object) -> None:
    vars(to).update({name: copy.copy(value) for name, value in vars(of).items() if name != "_clock"})


@dataclass
class DiskGround:
    """A folder, copied with all its files."""

    folder: Path
    copies: int = 0

    @property
    def _base(self) -> Path:
        return self.folder / "base"

    async def prepare(self, prepare: Prepare, *, loses_ledger: bool) -> None:
        shutil.rmtree(self._base, ignore_errors=True)
        self._base.mkdir(mode=0o700)
        self._clock = ManualClock(START)
        create_vault(self._base / "vault.jkv", SystemEntropy(), master=None)
        await self._make_ledger()
        async with self._world(self._base, self._clock) as world:
            await prepare(world)
        if loses_ledger:
            (self._base / "ledger.sqlite3").unlink()
            await self._make_ledger()

    async def _make_ledger(self) -> None:
        async with ledger_engine(_url(self._base)) as engine:
            await upgrade(engine)

    @asynccontextmanager
    async def copy(self) -> AsyncIterator[World]:
        self.copies += 1
        folder = self.folder / str(self.copies)
        shutil.copytree(self._base, folder)
        async with self._world(folder, copy.copy(self._clock)) as world:
            yield world
        shutil.rmtree(folder)

    @asynccontextmanager
    async def _world(self, folder: Path, clock: ManualClock) -> AsyncIterator[World]:
        async with ledger_engine(_url(folder)) as engine:
            store = open_vault(folder / "vault.jkv", SystemEntropy(), master=None)
            yield World(clock=clock, store=store, shared_ledger=SqlChronicle(engine, clock, WINDOWS.skew))


def _url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'ledger.sqlite3'}"
