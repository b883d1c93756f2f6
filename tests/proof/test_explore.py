"""No interleaving, fault, crash or clock breaks a promise, and a design that breaks one is found."""

import pytest

from journal_keys.domain.keys import Family
from tests.proof.explore import (
    WRONG_DESIGN_STATES,
    ended,
    explored,
    large_bounds,
    ours,
    small_bounds,
    verdict,
    without_the_faults,
)
from tests.proof.explorer.scenarios import brief, rotators
from tests.proof.explorer.search import Explorer, Scenario, State
from tests.proof.explorer.wrong_designs import ALL, WrongDesign

pytestmark = pytest.mark.no_cover


TWO = {"AlreadyRotated, Rotated", "Rotated, Waiting"}
THREE = {"AlreadyRotated, AlreadyRotated, Rotated", "AlreadyRotated, Rotated, Waiting", "Rotated, Waiting, Waiting"}
LEAST: list[tuple[int, set[str]]] = [
    (100_000, {"Rotated"}),
    (40_000, {"Rotated, int"}),
    (40_000, {"Rotated, int"}),
    (50_000, TWO),
    (10_000, TWO),
    (250_000, THREE),
    (20_000, {"Reconciled, Reconciled"}),
    (20_000, {"AlreadyRotated, Reconciled", "Reconciled, Rotated", "Reconciled, Waiting"}),
    (30_000, {"AlreadyInitialised, Initialised"}),
]
"""For each small cast: how many states there are at least, and how everybody ends where nobody dies or fails."""


@pytest.mark.parametrize(
    ("small", "least", "ends"),
    [(small, *row) for small, row in zip(small_bounds(), LEAST, strict=True)],
    ids=[one.name for one, _ in small_bounds()],
)
def test_a_small_cast_is_followed_to_its_last_state_where_each_has_ended_and_breaks_no_promise(
    small: tuple[Scenario, int], least: int, ends: set[str]
) -> None:
    found, said = explored(*small)
    assert found.violation is None, "\n".join(said)
    assert found.exhausted
    assert found.states > least
    assert {end for end in ended(found.ends) if not {"dead", "failed"} & set(end.split(", "))} == ends


def test_no_two_states_of_a_race_with_a_fault_are_taken_for_one() -> None:
    explorer = Explorer(brief(rotators(Family.AES)))
    met, layer = set[State](), {explorer.initial()}
    while layer:
        met |= layer
        layer = {after for state in layer for _, after in explorer.successors(state)} - met
    assert len(met) == len({hash(state) for state in met})


def test_the_shallow_end_of_every_cast_breaks_no_promise() -> None:
    states, violations, said = ours(large_bounds())
    assert violations == 0, "\n".join(said)
    assert states > 70_000


@pytest.mark.parametrize("wrong", ALL, ids=lambda wrong: wrong.make.__name__)
def test_a_wrong_design_is_found_by_the_promise_that_its_fault_breaks_and_is_not_found_without_the_fault(
    wrong: WrongDesign,
) -> None:
    found, said = explored(wrong.make(), WRONG_DESIGN_STATES)
    assert found.violation is not None
    assert wrong.breaks in found.violation[-1]
    assert len(found.violation) > 2
    assert [line.strip() for line in said[-len(found.violation) :]] == list(found.violation)
    for right, said_of_right in without_the_faults(wrong, found):
        assert right.violation is None, "\n".join(said_of_right)
        assert right.exhausted or right.steps == len(found.violation) - 1


def test_every_wrong_design_of_ours_has_a_right_one_beside_it() -> None:
    theirs = {"map_without_a_lock", "map_with_an_expiring_lease", "blind_retry"}
    assert {wrong.make.__name__ for wrong in ALL if wrong.right is None} == theirs


@pytest.mark.parametrize(
    "trace", [None, ("actor 0 does: commit", "a use case failed")], ids=["none", "of another promise"]
)
def test_a_wrong_design_is_not_found_without_a_trace_of_its_own_promise(trace: tuple[str, ...] | None) -> None:
    assert not any(wrong.is_shown_by(trace) for wrong in ALL)


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
