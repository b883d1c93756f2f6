"""A ledger in which somebody else is always a little faster."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.changes import AuditFact, RingChange, Transition
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family
from journal_keys.ports.ledger import LedgerUnavailableError
from tests.support.world import START, WINDOWS, World

Rival = Callable[[KeyRing, datetime], RingChange]


def touch(ring: KeyRing, at: datetime) -> RingChange:
    """A new generation with the same keys."""
    return RingChange(ring=replace(ring, generation=ring.generation + 1, changed_at=at), facts=())


@dataclass(kw_only=True)
class Contest:
    """What happens at the next commits: the rival's change first, or no answer after the effect."""

    rivals: list[tuple[Family, Rival]] = field(default_factory=list)
    answers_lost: int = 0


class ContestedLedger(MemoryLedger):
    """Commits as its `contest` says, and as a ledger does when that is over."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, WINDOWS.skew)
        self.contest = Contest()

    async def commit(self, transition: Transition) -> RingChange:
        """Let one rival go first; lose the answer if planned."""
        if self.contest.rivals:
            family, rival = self.contest.rivals.pop(0)
            ring = (await self.read(family)).ring
            assert ring is not None
            await super().commit(lambda at: rival(ring, at))
        change = await super().commit(transition)
        if self.contest.answers_lost:
            self.contest.answers_lost -= 1
            raise LedgerUnavailableError("planned: the answer is lost")
        return change


def contested_world(*, seed: int = 1) -> tuple[World, Contest]:
    """A world, and the contest of its ledger."""
    clock = ManualClock(START)
    ledger = ContestedLedger(clock)
    return World(clock=clock, shared_ledger=ledger, seed=seed), ledger.contest


async def audited(world: World, *, after: int = 0) -> list[AuditFact]:
    """The facts behind `after`, oldest first."""
    return [entry.fact for entry in await world.trail.entries(after=after, limit=1_000)]


async def told(world: World, *, after: int = 0) -> list[tuple[str, str | None, str, str]]:
    """Action, kid, actor and reason of each fact behind `after`."""
    return [(fact.action, fact.kid, fact.actor, fact.reason) for fact in await audited(world, after=after)]
