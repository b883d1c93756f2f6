"""No interleaving, fault, crash or clock breaks a promise, and a design that breaks one is found."""

from collections.abc import Callable

import pytest

from tests.proof.explore import (
    WRONG_DESIGN_STATES,
    explored,
    large_bounds,
    ours,
    small_bounds,
    verdict,
)
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


@pytest.mark.parametrize(("nightly", "least"), [(False, 100_000), (True, 10_000_000)], ids=["short", "long"])
def test_the_verdict_holds_from_its_fewest_states_on_without_a_violation_and_with_every_wrong_design(
    nightly: bool,  # noqa: FBT001 (a row of the table)
    least: int,
) -> None:
    assert verdict(least, 0, len(ALL), nightly=nightly).holds
    assert not verdict(least - 1, 0, len(ALL), nightly=nightly).holds
    assert not verdict(least, 1, len(ALL), nightly=nightly).holds
    assert not verdict(least, 0, len(ALL) - 1, nightly=nightly).holds


def test_the_last_line_has_the_figures() -> None:
    every = len(ALL)
    said = verdict(123_456, 2, every - 1, nightly=False).lines
    assert said == (f"explored 123456 states, 2 violations, {every - 1} of {every} wrong designs found",)
