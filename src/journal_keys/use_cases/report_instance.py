"""Tell the fleet which generations this process holds, so that no promotion overtakes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from journal_keys.domain.keys import Family
from journal_keys.ports.clock import Clock
from journal_keys.ports.fleet import Fleet
from journal_keys.ports.view_board import RingView, ViewBoard
from journal_keys.use_cases.make_views import awaited

_REPORTS_PER_LIFE: Final = 4


@dataclass(slots=True, kw_only=True)
class ReportInstance:
    """Report at once when a generation changed, and else four times within the life of a report."""

    fleet: Fleet
    board: ViewBoard
    clock: Clock
    name: str
    expires_in: timedelta
    _told: Mapping[Family, int] = field(default_factory=dict, init=False)
    _told_s: float = field(default=float("-inf"), init=False)

    async def __call__(self) -> None:
        """Report where it is time to.

        Raises:
            LedgerError: nobody knows of this call; the next one reports.
        """
        held, now_s = self._held(), self.clock.uptime_s()
        if held == self._told and now_s - self._told_s < self.expires_in.total_seconds() / _REPORTS_PER_LIFE:
            return
        await self.fleet.report(self.name, held, expires_in=self.expires_in)
        self._told, self._told_s = held, now_s

    async def leave(self) -> None:
        """Hold nobody back any longer.

        Raises:
            LedgerError: the last report holds others back until it expires.
        """
        await self.fleet.leave(self.name)

    def _held(self) -> dict[Family, int]:
        """A view whose material is not all there counts as the one before it: it cannot read what the others write.

        But for DEACTIVATED keys that are lost: nobody writes with them, and to wait for them would be for ever.
        """
        views = {Family.JWT: self.board.signing, Family.AES: self.board.cipher}
        return {
            family: self._before(view) if awaited(view) else view.ring.generation
            for family, view in views.items()
            if view is not None
        }

    def _before(self, view: RingView) -> int:
        """What was told of the ring, or less: one that was founded anew may begin at a lower generation."""
        return min(self._told.get(view.ring.family, 0), view.ring.generation - 1)
