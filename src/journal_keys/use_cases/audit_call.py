"""Write down who called the admin plane, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain.access import Caller, admin_called
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCall:
    """One fact per call or refusal."""

    trail: AuditTrail
    clock: Clock

    async def __call__(self, caller: Caller | None, detail: Mapping[str, str]) -> None:
        """Append the fact of a call, answered with the HTTP status `detail["status"]`; None is an unknown caller.

        Raises:
            LedgerError: it could not be written.
        """
        await self.trail.append(admin_called(self.clock.read(), caller, detail))
