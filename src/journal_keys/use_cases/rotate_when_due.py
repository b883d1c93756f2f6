"""What the scheduler asks for: rotate what is due, and what somebody is waiting for."""

from dataclasses import dataclass

from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import RotationOutcome
from journal_keys.use_cases.rotate_keys import RotateKeys

ACTOR = "scheduler"


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateWhenDue:
    """Rotate one ring if its interval is over or a rotation waits; any number of schedulers may ask at once."""

    rotate: RotateKeys

    async def __call__(self, family: Family) -> RotationOutcome | None:
        """Give the outcome, None where nothing was to do. Every scheduler uses one rotation id per ACTIVE key.

        Raises:
            PortError: store or ledger failed.
        """
        page = await self.rotate.ledger.read(family)
        if page.ring is None:
            return None
        if not page.waiting and page.now < rotation.due_at(page.ring, self.rotate.policies[family]):
            return None
        if page.waiting:
            return await self.rotate(family, page.waiting[0].request)
        request = RotationRequest(
            rotation_id=f"scheduled-{page.ring.active.kid}",
            scope=family.value,
            force=False,
            reason="the interval is over",
            actor=ACTOR,
        )
        return await self.rotate(family, request)
