"""A ledger that passes every call on to another: the ground for those that do something beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from journal_keys.domain.changes import AuditFact, RingChange, RotationRecord, Transition
from journal_keys.domain.keyring import RingHead
from journal_keys.domain.keys import Family
from journal_keys.ports.ledger import Ledger, LedgerPage


@dataclass(kw_only=True)
class PassingLedger(Ledger):
    """Passes on what a kind of it does not do itself."""

    ledger: Ledger

    async def heads(self) -> Mapping[Family, RingHead]:
        return await self.ledger.heads()

    async def read(self, family: Family) -> LedgerPage:
        return await self.ledger.read(family)

    async def rotations(self, rotation_id: str) -> Sequence[RotationRecord]:
        return await self.ledger.rotations(rotation_id)

    async def settle(self, record: RotationRecord, fact: AuditFact) -> None:
        await self.ledger.settle(record, fact)

    async def commit(self, transition: Transition) -> RingChange:
        return await self.ledger.commit(transition)
