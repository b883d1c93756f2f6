"""Twenty thousand steps of any order break nothing, and the machine finds designs that would."""

import pytest

from tests.proof.ring_machine import PARTS, STEPS, explore, part, verdict
from tests.support.crash_rules import BreachError
from tests.support.ring_watch import Tally
from tests.support.world import Design
from tests.support.wrong_ring_designs import (
    accepts_a_compromised_key,
    drops_demoted_keys_from_its_views,
    empties_views_on_error,
    keeps_every_key_in_its_views,
    leaves_rotations_open,
    promotes_without_w1,
    retires_without_w2,
)

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("number", range(PARTS))
def test_no_order_of_steps_refuses_a_token_or_loses_a_ciphertext(number: int) -> None:
    tally = part(number, nightly=False)
    assert tally.steps >= STEPS
    assert min(tally.tokens, tally.ciphertexts) >= STEPS // 10
    assert min(tally.faults, tally.promoted, tally.compromised) >= STEPS // 50
    assert tally.destroyed >= 5


def test_the_parts_are_twenty_thousand_steps() -> None:
    assert PARTS * STEPS >= 20_000


@pytest.mark.parametrize(
    ("design", "breach"),
    [
        (promotes_without_w1, "from PRE_ACTIVATION to ACTIVE"),
        (retires_without_w2, "from DEACTIVATED to DESTROYED"),
        (empties_views_on_error, "emptied a view"),
        (keeps_every_key_in_its_views, "whose key is compromised"),
        (drops_demoted_keys_from_its_views, "a good text under aes_"),
        (leaves_rotations_open, "a rotation still waits"),
        (accepts_a_compromised_key, "went from|is still accepted"),
    ],
    ids=lambda value: getattr(value, "__name__", "breach"),
)
def test_the_machine_finds_a_wrong_design(design: Design, breach: str) -> None:
    with pytest.raises(BreachError, match=breach):
        explore(STEPS, 1, design)


def test_the_verdict_sums_up_and_holds_only_for_enough_steps() -> None:
    parts = [Tally(steps=3, tokens=4, ciphertexts=5), Tally(steps=2, tokens=1, ciphertexts=1, faults=7)]
    assert verdict(parts, least=5).lines == (
        "faults 7, promotions 0, keys compromised 0, keys destroyed 0",
        "steps 5, tokens 5 refused 0, ciphertexts 6 unreadable 0",
    )
    assert verdict(parts, least=5).holds
    assert not verdict(parts, least=6).holds
