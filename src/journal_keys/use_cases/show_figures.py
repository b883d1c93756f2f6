"""Show what the views of this process say, to whoever watches it."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain import rotation
from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keys import Family
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.windows import Windows
from journal_keys.ports.meter import Meter, RingFigures
from journal_keys.ports.store_condition import StoreCondition
from journal_keys.ports.view_board import RingView, ViewBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFigures:
    """Asks nobody outside the process."""

    board: ViewBoard
    budget: EncryptionBudget
    condition: StoreCondition
    policies: Mapping[Family, RotationPolicy]
    windows: Windows
    meter: Meter

    def __call__(self) -> None:
        """Bring the meter up to the views; a ring without one keeps what was shown before."""
        for view in (self.board.signing, self.board.cipher):
            if view is not None:
                self.meter.show(self._figures(view))
        if self.board.cipher is not None:
            self.meter.encrypted(self.budget.total(self.board.cipher.ring.active.kid))
        self.meter.show_store(is_silent=self.condition.is_silent())
        self.meter.publish()

    def _figures(self, view: RingView) -> RingFigures:
        ring = view.ring
        return RingFigures(
            family=ring.family,
            generation=ring.generation,
            confirmed_at=view.confirmed_at,
            active_since=ring.active.since + view.behind,
            due_at=rotation.due_at(ring, self.policies[ring.family]) + view.behind,
            max_age=self.windows.view_ttl,
            window=self.windows.publish_to_promote,
        )
