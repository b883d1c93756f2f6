"""The ledger as a whole: copied out, refounded from a copy, its rings put back as they were."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from journal_keys.domain.keyring import RingHead
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_copy import LedgerCopy, Refounding, RingsPutBack
from journal_keys.ports.ledger import LedgerError, StaleGenerationError


class LedgerNotEmptyError(LedgerError):
    """The ledger is in use: a copy would take the place of what it holds."""

    def __init__(self) -> None:
        super().__init__("the ledger holds rings or an audit trail already: nothing was changed")


def check_heads(held: Mapping[Family, RingHead], expected: Mapping[Family, RingHead | None]) -> None:
    """Say whether each of these rings is the one that is expected.

    Raises:
        StaleGenerationError: another head than the expected one, a ring where none is expected, or none where one is.
    """
    other = sorted(family for family, head in expected.items() if held.get(family) != head)
    if other:
        raise StaleGenerationError(f"ring {' and ring '.join(other)} changed meanwhile: nothing was changed")


@runtime_checkable
class LedgerArchive(Protocol):
    """All that the ledger holds of its keys, at once. Raises as `Ledger` does.

    What is given to it as a function is called inside the transaction, perhaps more than once, and has to be pure.
    """

    @abstractmethod
    async def copy(self) -> LedgerCopy:
        """Give all of it as of one moment, the audit trail from its first entry to its last."""
        ...

    @abstractmethod
    async def refound(
        self, copy: LedgerCopy, finish: Callable[[datetime], Refounding], *, accepts_clock: bool = False
    ) -> Refounding:
        """Let this ledger, which positively holds no ring and no fact of a key, go on from the copy, and give how.

        Time goes on from the copy's, never ahead of what the copied ledger would have counted by now; where the copy
        has none, it begins as in a new ledger. `finish` gets that time and says which rings there are; its facts follow
        the copied chain, and behind them, linked anew, those that this ledger had (`domain.changes.OF_NO_KEY`).
        Rotations, secrets of the webhook and audit entries are those of the copy; counts of encryptions are added to
        those that the ledger holds. Instances are forgotten until they report again.

        All of it happens in one transaction or nothing does. What `finish` raises goes on to the caller.

        Raises:
            LedgerNotEmptyError: there is a ring, or a fact of another action than these.
            ClockWentBackError: the host's clock stands before the copy's, and `accepts_clock` does not say that it is
                right. Where it does, time goes on from the copy's all the same.
            ValueError: a ring of the copy is not among those that `finish` gives.
        """
        ...

    @abstractmethod
    async def put_back(
        self, expected: Mapping[Family, RingHead | None], transition: Callable[[datetime], RingsPutBack]
    ) -> RingsPutBack:
        """Let each of the expected rings be what `transition` gives for now, and give that.

        A ring is replaced whole, with the generation that it comes with: a version that is not in it is removed, and
        so is a rotation of its family that names one, or promoted one that was never in use in the ring that is put
        back: its id can be used again. Where there is to be no ring, its rotations go, too.

        All of it happens in one transaction with the facts, or nothing does. Now is the ledger's time at the commit.
        What `transition` raises goes on to the caller.

        Raises:
            StaleGenerationError: a head is not the expected one (None: no such ring), in generation or in moment.
            ClockWentBackError: as for `Ledger.read`.
            ValueError: the rings that `transition` gives are not those that are expected.
        """
        ...
