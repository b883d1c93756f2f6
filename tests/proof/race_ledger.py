"""What stands between a racing process and its ledger: a common start, and a witness of the process's own commits."""

from dataclasses import dataclass, field
from enum import Enum
from multiprocessing.synchronize import Barrier

from journal_keys.domain.changes import RingChange, RotationStatus, Transition
from journal_keys.domain.keys import Family, Kid
from journal_keys.ports.ledger import LedgerPage
from tests.support.crew import ANSWER_S
from tests.support.passing_ledger import PassingLedger


class Hold(Enum):
    """Where the next look at the ring waits for the other racers."""

    NOT = "nowhere"
    BEFORE_LOOKING = "it looks when all others have arrived"
    AFTER_LOOKING = "it goes on with its page when all others have theirs"


@dataclass(kw_only=True)
class RaceLedger(PassingLedger):
    """The ledger of one racer."""

    start: Barrier
    hold: Hold = Hold.NOT
    promoted: list[Kid] = field(default_factory=list)
    generations: list[tuple[Family, int]] = field(default_factory=list)

    async def read(self, family: Family) -> LedgerPage:
        hold, self.hold = self.hold, Hold.NOT
        if hold is Hold.BEFORE_LOOKING:
            self.start.wait(ANSWER_S)
        page = await self.ledger.read(family)
        if hold is Hold.AFTER_LOOKING:
            self.start.wait(ANSWER_S)
        return page

    async def commit(self, transition: Transition) -> RingChange:
        change = await self.ledger.commit(transition)
        self.generations.append((change.ring.family, change.ring.generation))
        if any(record.status is RotationStatus.PROMOTED for record in change.rotations):
            self.promoted.append(change.ring.active.kid)
        return change
