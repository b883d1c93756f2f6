"""Was the audit tampered with, or cut off."""

from dataclasses import replace

import pytest

from journal_keys.domain.audit_chain import EMPTY, AuditHead
from journal_keys.domain.errors import AuditChainBrokenError
from journal_keys.domain.keys import Family
from tests.support.world import World


async def test_an_empty_trail_has_the_empty_head_and_passes_through_it() -> None:
    assert await World().verify_audit() == EMPTY
    assert await World().verify_audit(kept=EMPTY) == EMPTY


async def test_a_kept_head_proves_that_nothing_was_cut_off() -> None:
    world = await World().initialised()
    kept = await world.verify_audit()
    assert await world.verify_audit(kept=kept) == kept
    await world.rotated(Family.JWT)
    head = await world.verify_audit(kept=kept)
    entries = await world.trail.entries()
    assert head == AuditHead(sequence=len(entries), hash=entries[-1].hash)
    assert await world.verify_audit(kept=EMPTY) == head


@pytest.mark.parametrize("further", [0, 1], ids=["another past", "cut off"])
async def test_a_chain_that_never_had_the_kept_head_is_told(further: int) -> None:
    world = await World().initialised(Family.JWT)
    head = await world.verify_audit()
    foreign = replace(head, sequence=head.sequence + further, hash="f" * 64)
    with pytest.raises(AuditChainBrokenError) as caught:
        await world.verify_audit(kept=foreign)
    assert str(caught.value) == (
        f"the chain ends at entry {head.sequence} and never had the kept head of entry {foreign.sequence}"
    )
