"""A fault at any port call of what moves keys in and out is completed by the same once more."""

import pytest

from tests.proof.moves import MOVES, Move, enumerate_faults
from tests.support.crash_plans import every, one_each
from tests.support.moving import Design
from tests.support.wrong_moves import (
    deletes_before_it_records,
    forgets_what_it_removed,
    keeps_a_pre_image_per_run,
    looks_at_no_tombstone,
    makes_lines_anew,
    restores_the_ledger_first,
)

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
async def test_a_fault_at_any_port_call_is_completed_by_the_same_once_more(move: Move) -> None:
    tally = await enumerate_faults(move, one_each)
    assert tally.breaches == []
    assert tally.faults >= 5


@pytest.mark.parametrize(
    ("design", "name", "breach"),
    [
        (deletes_before_it_records, "destroy", "the material is gone"),
        (restores_the_ledger_first, "restore", "not read"),
        (looks_at_no_tombstone, "restore", "a compromised key is back"),
        (makes_lines_anew, "migrate", "already holds other content"),
        (keeps_a_pre_image_per_run, "migrate", "0 migrations were opened"),
        (forgets_what_it_removed, "roll back", "is not as before"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_the_enumeration_finds_a_wrong_design(design: Design, name: str, breach: str) -> None:
    move = next(one for one in MOVES if one.name == name)
    (found,) = (await enumerate_faults(move, every, most=1, design=design)).breaches
    assert breach in found
