"""Add what this process encrypted to the common counts, and learn what all have."""

from dataclasses import dataclass

from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keys import Kid
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.view_board import ViewBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportUsage:
    """Ask once for the ACTIVE key's count, and afterwards only where there is something to add."""

    usage: KeyUsage
    board: ViewBoard
    budget: EncryptionBudget

    async def __call__(self) -> None:
        """Report.

        Raises:
            LedgerError: the rest is counted on here, and added at the next call.
        """
        view = self.board.cipher
        counts = self.budget.unreported()
        if view is not None:
            counts.setdefault(view.ring.active.kid, 0)
        for kid in counts:
            made = self.budget.take(kid)
            if made or not self.budget.is_known(kid):
                await self._add(kid, made)

    async def _add(self, kid: Kid, made: int) -> None:
        try:
            total = await (self.usage.add(kid, made) if made else self.usage.total(kid))
        except BaseException:  # a cancelled call may have added nothing, too
            self.budget.give_back(kid, made)
            raise
        self.budget.report(kid, total)
