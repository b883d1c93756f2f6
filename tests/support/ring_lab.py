"""Three processes on one ledger and store, whose every change is held to a reference ring, and all that they made."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar, cast

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.ledger_clock import ClockWentBackError
from journal_keys.ports.ledger import LedgerPage
from tests.support.crash_rules import require
from tests.support.fault_plan import FaultPlan, ProcessDied
from tests.support.grounds import MemoryChronicle
from tests.support.papers import Paper, Reader
from tests.support.process import Process, driven
from tests.support.reference_ring import CS
from tests.support.ring_watch import Tally, Watch
from tests.support.world import POLICIES, START, Design, World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a verb gave, None where it failed; clean, where nothing was in its way."""

    outcome: object
    is_clean: bool


class Lab:
    """Time passes only when it is told to: `now_s` are the seconds that really passed, whatever the clocks say."""

    def __init__(self, design: Design, tally: Tally) -> None:
        self.tally = tally
        self.now_s = 0
        self.clock = ManualClock(START)
        self.ledger = MemoryChronicle(self.clock)
        self.store = MemorySecretStore()
        self.base = World(clock=self.clock, store=self.store, shared_ledger=self.ledger, design=design)
        self.watch = Watch(self.ledger, self.store, tally)
        self.rings = self.watch.rings
        self.readers = [self._started() for _ in range(3)]
        self.papers: list[Paper] = []
        self._seeds = count(100)
        self._turn = 0
        self._was_set_back = False
        for policy in POLICIES.values():
            self.run(self.base.init(policy, actor="test", reason="first keys"))
        self.run(self.watch.look(self.now_s))

    def run(self, deed: Coroutine[Any, Any, T]) -> T:
        """Do what nothing can be in the way of."""
        ended = driven(deed)
        if isinstance(ended, BaseException):
            raise ended
        return cast("T", ended)

    def _started(self) -> Reader:
        return Reader(process=Process(self.base))

    def restart(self, who: int) -> None:
        """Let a process begin again, without views."""
        self.readers[who] = self._started()

    def pass_time(self, seconds: int) -> None:
        self.now_s += seconds
        self.clock.pass_time(timedelta(seconds=seconds))
        self.papers = [paper for paper in self.papers if not paper.is_dead(self.now_s)]

    def step_wall(self, seconds: int) -> None:
        self._was_set_back = self._was_set_back or seconds < 0
        self.clock.step_wall(timedelta(seconds=seconds))

    def reboot(self, down: int) -> None:
        """The host was down for so long; every process begins again."""
        self.pass_time(down)
        self.clock.reboot()
        for who in range(len(self.readers)):
            self.restart(who)

    def accept_clock(self) -> None:
        self.run(self.ledger.accept_clock(actor="test", reason="looked at"))
        self._was_set_back = False
        self.run(self.watch.look(self.now_s))

    def page(self, family: Family) -> LedgerPage | None:
        """The ledger's page; None while the clock stands before what the ledger has seen."""
        try:
            return self.run(self.ledger.read(family))
        except ClockWentBackError:
            require(self._was_set_back, "a clock that was never set back is refused")
            return None

    def verb(self, who: int, plan: FaultPlan, deed: Callable[[World], Coroutine[Any, Any, object]]) -> Ended:
        """Let a process do something under a plan of faults."""
        world = self.readers[who].process.world(next(self._seeds), plan)
        ended = driven(deed(world))
        self.tally.faults += plan.has_struck
        self.run(self.watch.look(self.now_s))
        if isinstance(ended, ProcessDied):
            self.restart(who)
        if not isinstance(ended, BaseException):
            return Ended(ended, not plan.has_struck)
        is_ours = isinstance(ended, JournalKeysError | asyncio.CancelledError | ProcessDied)
        if is_ours and (plan.has_struck or self.page(Family.JWT) is None):
            return Ended(None, is_clean=False)
        raise ended

    def refresh(self, who: int, plan: FaultPlan) -> None:
        """Bring a process's views up to date; a failure neither empties them nor makes them older."""
        ended = self.verb(who, plan, _refreshed)
        reader = self.readers[who]
        signing, cipher = reader.process.board.signing, reader.process.board.cipher
        if ended.outcome is None:
            require(reader.confirmed_s is None or (signing and cipher) is not None, "a failed refresh emptied a view")
            return
        reader.confirmed_s = self.now_s
        shown = {view.ring.family: view.ring.generation for view in (signing, cipher) if view}
        require(shown == {family: ring.generation for family, ring in self.rings.items()}, f"the views show {shown}")

    def compromise(self, who: int, plan: FaultPlan, family: Family, kid: Kid) -> None:
        """Compromise a key, as an operator would."""
        self.rings[family].condemned.add(kid)
        ended = self.verb(who, plan, lambda world: world.compromise(family, kid, actor="test", reason="leaked"))
        require(ended.outcome is None or self.rings[family].keys[kid].out is not None, f"{kid} is still accepted")

    def retire(self, who: int, plan: FaultPlan, family: Family) -> None:
        """Retire what is past its time; of AES keys those that no text needs, and no process may use any more."""
        ring = self.rings[family]
        needed = {paper.kid for paper in self.papers}
        idle = {kid for kid, key in ring.keys.items() if key.left_s is not None and self.now_s - key.left_s > CS}
        ring.unused = idle - needed
        unused = frozenset(Kid(kid) for kid in ring.unused)
        self.verb(who, plan, lambda world: world.retire(family, actor="test", reason="old", unused=unused))

    def make(self, who: int, family: Family) -> None:
        """Sign or encrypt; a process whose view is confirmed has to, and only under a key that every reader knows."""
        reader = self.readers[who]
        try:
            kid, text = reader.process.write(family)
        except JournalKeysError as refusal:
            require(not reader.must_write(family, self.now_s), f"a fresh view does not sign or encrypt: {refusal!r}")
            return
        self._keep(family, kid, text)

    def _keep(self, family: Family, kid: Kid, text: str) -> None:
        """Keep a text, and let every process read it at once."""
        require(self.rings[family].may_sign(kid, self.now_s), f"{kid} is used, and a reader may not know it")
        unix_s = self.clock.unix_s()
        paper = Paper(family=family, kid=kid, text=text, made_s=self.now_s, made_unix_s=unix_s)
        self.papers.append(paper)
        for reader in self.readers:
            self._read(reader, paper)

    def rewrap(self, who: int) -> None:
        """Put every ciphertext under the ACTIVE key of this process's view, as far as it can be read there."""
        cipher = self.readers[who].process.cipher
        for paper in [paper for paper in self.papers if paper.family is Family.AES]:
            try:
                text = cipher.rewrap(paper.text)
            except JournalKeysError:
                continue
            self.papers.remove(paper)
            self._keep(Family.AES, Kid(text.split(".")[1]), text)

    def read_all(self, who: int) -> None:
        """Let one process read all there is."""
        for paper in self.papers:
            self._read(self.readers[who], paper)

    def read_some(self) -> None:
        """Let one process, in turn, read a text under each key."""
        self._turn += 1
        order = self.papers if self._turn % 2 else reversed(self.papers)
        for paper in {paper.kid: paper for paper in order}.values():
            self._read(self.readers[self._turn % len(self.readers)], paper)

    def _read(self, reader: Reader, paper: Paper) -> None:
        if reader.judge(paper, self.rings[paper.family], self.now_s):
            self.tally.tokens += paper.family is Family.JWT
            self.tally.ciphertexts += paper.family is Family.AES


async def _refreshed(world: World) -> bool:
    """Refresh, and give an outcome, which a failure has none of."""
    await world.refresh()
    return True
