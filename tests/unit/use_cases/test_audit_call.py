"""A call of the admin plane stands in the audit trail as it was answered."""

from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.access import Caller
from journal_keys.use_cases.audit_call import AuditCall

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("caller", "actor"), [(Caller(actor="http:deploy", scopes=frozenset()), "http:deploy"), (None, "http:unknown")]
)
async def test_a_call_is_written_down_with_its_caller_its_time_and_its_answer(
    caller: Caller | None, actor: str
) -> None:
    clock = ManualClock(AT)
    trail = MemoryLedger(clock, timedelta(0))
    await AuditCall(trail=trail, clock=clock)(caller, {"status": "403", "route": "POST /rotate"})
    (entry,) = await trail.entries()
    assert (entry.fact.at, entry.fact.actor, entry.fact.action) == (AT, actor, "admin_refused")
    assert entry.fact.detail == {"status": "403", "route": "POST /rotate"}
