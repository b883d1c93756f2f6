"""Follow the audit chain while a process lives: what is new at once, what is old again and again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from journal_keys.domain import audit_chain
from journal_keys.domain.audit_chain import EMPTY, AuditHead
from journal_keys.domain.errors import AuditChainBrokenError
from journal_keys.domain.status import AuditStatus
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.clock import Clock
from journal_keys.ports.ledger import LedgerCorruptError

_PAGE: Final = 200
"""Some milliseconds of work, for which nothing else goes on."""
_PAGES: Final = 10
"""Of old entries that one look follows again."""


@dataclass(slots=True, kw_only=True)
class WatchAudit:
    """Remembers the head that it reached, so that an end which was cut off, or a chain made anew, is noticed, too.

    What was found broken stays so until the chain was followed once more from its beginning and holds.
    """

    trail: AuditTrail
    clock: Clock
    _head: AuditHead = field(default=EMPTY, init=False)
    _again: AuditHead = field(default=EMPTY, init=False)
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
            await self._follow_new()
            await self._follow_again()
        except (AuditChainBrokenError, LedgerCorruptError) as failure:
            self._broken, self._again = str(failure), EMPTY
        finally:
            self._is_under_way = False
        return self.status()

    def status(self) -> AuditStatus:
        """What is known, without a look."""
        return AuditStatus(head=self._head, whole_at=self._whole_at, broken=self._broken)

    async def _follow_new(self) -> None:
        is_first = self._whole_at is None and self._head == EMPTY
        while entries := await self.trail.entries(after=self._head.sequence, limit=_PAGE):
            self._head = audit_chain.verify(entries, after=self._head)
        found = await self.trail.head()
        if found.sequence < self._head.sequence:
            raise AuditChainBrokenError(
                f"the chain ends at entry {found.sequence} and had entry {self._head.sequence} before"
            )
        if is_first:
            self._whole_at = self.clock.read().wall

    async def _follow_again(self) -> None:
        for _ in range(_PAGES):
            entries = await self.trail.entries(after=self._again.sequence, limit=_PAGE)
            known = [entry for entry in entries if entry.sequence <= self._head.sequence]
            self._again = audit_chain.verify(known, after=self._again)
            if len(known) < _PAGE or self._again.sequence == self._head.sequence:
                self._end_again()
                return

    def _end_again(self) -> None:
        if self._again != self._head:
            raise AuditChainBrokenError(
                f"audit entry {self._head.sequence} is another one than before: the chain was made anew"
            )
        self._again, self._whole_at, self._broken = EMPTY, self.clock.read().wall, ""
