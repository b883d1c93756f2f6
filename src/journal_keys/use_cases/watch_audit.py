"""Follow the audit chain while a process lives: what is new at once, what is old again and again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from journal_keys.domain import audit_chain
from journal_keys.domain.audit_chain import EMPTY, AuditEntry, AuditHead
from journal_keys.domain.changes import REFOUNDINGS, AuditFact
from journal_keys.domain.errors import AuditChainBrokenError
from journal_keys.domain.status import AuditStatus
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.clock import Clock
from journal_keys.ports.ledger import LedgerCorruptError

_PAGE: Final = 200
"""Some milliseconds of work, for which nothing else goes on."""
_PAGES: Final = 10
"""Of old entries that one look follows again."""


_NOT_WHOLE: Final = (AuditChainBrokenError, LedgerCorruptError)


@dataclass(frozen=True, slots=True)
class _Followed:
    """How far a chain holds from its beginning, and what refounded its ledger on the way."""

    head: AuditHead = EMPTY
    refoundings: tuple[AuditFact, ...] = ()

    def through(self, entries: Sequence[AuditEntry]) -> "_Followed":
        head = audit_chain.verify(entries, after=self.head)
        found = (entry.fact for entry in entries if entry.fact.action in REFOUNDINGS)
        return _Followed(head, (*self.refoundings, *found))

    def check_end(self, found: AuditHead) -> None:
        if found.sequence < self.head.sequence:
            raise AuditChainBrokenError(
                f"the chain ends at entry {found.sequence} and had entry {self.head.sequence} before"
            )
        if found.sequence == self.head.sequence and found != self.head:
            raise _made_anew(self.head)


@dataclass(slots=True, kw_only=True)
class WatchAudit:
    """Remembers the head that it reached, so that an end which was cut off, or a chain made anew, is noticed, too.

    What was found broken stays so until the chain was followed once more from its beginning and holds. It has to go on
    from that head, or to tell of a refounding (`restore`, `recover`) that no chain before it told of.
    """

    trail: AuditTrail
    clock: Clock
    _known: _Followed = field(default=_Followed(), init=False)
    _again: _Followed = field(default=_Followed(), init=False)
    _whole_at: datetime | None = field(default=None, init=False)
    _broken: str = field(default="", init=False)
    _is_under_way: bool = field(default=False, init=False)

    async def __call__(self) -> AuditStatus:
        """Follow what is new to its end, and some of what is old; give what is known then.

        While one look is under way, another one follows nothing: two would take each other's steps for gaps.

        Raises:
            LedgerError: the trail could not be read; what was known stays.
        """
        if self._is_under_way:
            return self.status()
        self._is_under_way = True
        try:
            await (self._follow_again() if await self._goes_on() else self._follow_another())
        except _NOT_WHOLE as failure:
            self._broken, self._again = str(failure), _Followed()
        finally:
            self._is_under_way = False
        return self.status()

    def status(self) -> AuditStatus:
        """What is known, without a look."""
        return AuditStatus(head=self._known.head, whole_at=self._whole_at, broken=self._broken)

    async def _goes_on(self) -> bool:
        """Whether what is new follows. Where it does not, one look tells that before another chain may be taken."""
        try:
            await self._follow_new()
        except _NOT_WHOLE:
            if not self._broken:
                raise
            return False
        return True

    async def _follow_new(self) -> None:
        is_first = self._whole_at is None and self._known.head == EMPTY
        while entries := await self.trail.entries(after=self._known.head.sequence, limit=_PAGE):
            self._known = self._known.through(entries)
        self._known.check_end(await self.trail.head())
        if is_first:
            self._whole_at = self.clock.read().wall

    async def _follow_again(self) -> None:
        last = self._known.head.sequence
        for _ in range(_PAGES):
            entries = await self.trail.entries(after=self._again.head.sequence, limit=_PAGE)
            known = [entry for entry in entries if entry.sequence <= last]
            self._again = self._again.through(known)
            if len(known) < _PAGE or self._again.head.sequence == last:
                self._end_again()
                return

    def _end_again(self) -> None:
        if self._again.head != self._known.head:
            raise _made_anew(self._known.head)
        self._hold()

    async def _follow_another(self) -> None:
        for _ in range(_PAGES):
            entries = await self.trail.entries(after=self._again.head.sequence, limit=_PAGE)
            self._again = self._again.through(entries)
            if len(entries) < _PAGE:
                self._again.check_end(await self.trail.head())
                self._take_another()
                return

    def _take_another(self) -> None:
        if all(fact in self._known.refoundings for fact in self._again.refoundings):
            raise _made_anew(self._known.head)
        self._known = self._again
        self._hold()

    def _hold(self) -> None:
        self._again, self._whole_at, self._broken = _Followed(), self.clock.read().wall, ""


def _made_anew(head: AuditHead) -> AuditChainBrokenError:
    return AuditChainBrokenError(f"audit entry {head.sequence} is another one than before: the chain was made anew")
