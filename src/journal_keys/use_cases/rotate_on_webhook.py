"""What a webhook may ask for where that is switched on: rotate what is due, and nothing else."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import RotationOutcome
from journal_keys.use_cases.rotate_keys import RotateKeys

QUIET: Final = timedelta(seconds=60)
"""A ring that changed less than this ago is left alone: our own writes send webhooks, too, some seconds later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateOnWebhook:
    """Rotate one ring if its interval is over. What was forced, and waits, is the scheduler's."""

    rotate: RotateKeys

    async def __call__(self, family: Family) -> RotationOutcome | None:
        """Give the outcome, None where nothing was to do. All webhooks use one rotation id per ACTIVE key.

        Raises:
            PortError: store or ledger failed.
        """
        page = await self.rotate.ledger.read(family)
        if page.ring is None or page.now < rotation.due_at(page.ring, self.rotate.policies[family]):
            return None
        if page.now - page.ring.changed_at < QUIET:
            return None
        request = RotationRequest(
            rotation_id=f"webhook-{page.ring.active.kid}",
            scope=family.value,
            force=False,
            reason="the interval is over",
            actor="webhook",
        )
        return await self.rotate(family, request)
