"""No interleaving, fault, crash or clock breaks a promise, and a design that breaks one is found."""

from collections.abc import Callable

import pytest

from tests.proof.explore import WRONG_DESIGN_STATES, explored, large_bounds, ours, small_bounds
from tests.proof.explorer.search import Explorer, Scenario
from tests.proof.explorer.wrong_designs import ALL

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize(
    ("small", "least"),
    list(zip(small_bounds(), (100_000, 40_000, 40_000), strict=True)),
    ids=[one.name for one, _ in small_bounds()],
)
def test_a_small_cast_is_followed_to_its_last_state_and_breaks_no_promise(
    small: tuple[Scenario, int], least: int
) -> None:
    found, said = explored(*small)
    assert found.violation is None, "\n".join(said)
    assert found.exhausted
    assert found.states > least


def test_the_shallow_end_of_every_cast_breaks_no_promise() -> None:
    states, violations, said = ours(large_bounds())
    assert violations == 0, "\n".join(said)
    assert states > 70_000


@pytest.mark.parametrize("wrong", ALL, ids=lambda wrong: wrong.__name__)
def test_a_wrong_design_is_found_and_its_trace_ends_with_the_broken_promise(wrong: Callable[[], Scenario]) -> None:
    found = Explorer(wrong()).run(WRONG_DESIGN_STATES)
    assert found.violation is not None
    assert len(found.violation) > 2
