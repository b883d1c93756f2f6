"""No interleaving, fault, crash or clock breaks a promise, and a design that breaks one is found."""

from collections.abc import Callable

import pytest

from tests.proof.explore import WRONG_DESIGN_STATES, explored, quick_bounds
from tests.proof.explorer.search import Explorer, Scenario
from tests.proof.explorer.wrong_designs import ALL

BOUNDS = quick_bounds()


@pytest.mark.parametrize(("scenario", "most"), BOUNDS[1:], ids=[one.name for one, _ in BOUNDS[1:]])
def test_no_state_breaks_a_promise(scenario: Scenario, most: int) -> None:
    found, said = explored(scenario, most)
    assert found.violation is None, "\n".join(said)
    assert found.exhausted or found.states >= most


def test_one_actor_with_one_fault_is_followed_to_the_last_of_more_than_a_hundred_thousand_states() -> None:
    scenario, most = BOUNDS[0]
    found, said = explored(scenario, most)
    assert found.violation is None, "\n".join(said)
    assert found.exhausted
    assert found.states > 100_000


@pytest.mark.parametrize("wrong", ALL, ids=lambda wrong: wrong.__name__)
def test_a_wrong_design_is_found_and_its_trace_ends_with_the_broken_promise(wrong: Callable[[], Scenario]) -> None:
    found = Explorer(wrong()).run(WRONG_DESIGN_STATES)
    assert found.violation is not None
    assert len(found.violation) > 2
