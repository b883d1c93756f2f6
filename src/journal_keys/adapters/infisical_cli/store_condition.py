"""What the breaker and the budget know of the way to Infisical."""

from dataclasses import dataclass

from journal_keys.adapters.infisical_cli.budget import Budget
from journal_keys.domain.breaker import Breaker
from journal_keys.ports.store_condition import StoreCondition


@dataclass(frozen=True, slots=True, kw_only=True)
class InfisicalCliStoreCondition(StoreCondition):
    """The breaker first: where nobody answers, no budget matters."""

    breaker: Breaker
    budget: Budget

    def trouble(self) -> str:
        """Say whether the server did not answer when last asked, or reads wait for the budget."""
        if self.is_silent():
            return "Infisical did not answer when last asked"
        wait_s = self.budget.waits_for()
        if wait_s > 0:
            return f"the budget of {self.budget.most} requests a minute is spent: reads wait for {wait_s:.0f} s"
        return ""

    def is_silent(self) -> bool:
        """Say whether the breaker is open."""
        return self.breaker.is_open
