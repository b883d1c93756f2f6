"""Explore the design as it is, and designs that are known to be wrong."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tests.proof.explorer.actors import Ends, Outcome
from tests.proof.explorer.scenarios import large_scenarios, nightly_scenarios, small_scenarios
from tests.proof.explorer.search import Explorer, Found, Scenario
from tests.proof.explorer.wrong_designs import ALL, WrongDesign
from tests.proof.verdict import Verdict

QUICK_STATES: Final = 6_000
"""Per large scenario: the shallow end of each."""
NIGHTLY_STATES: Final = 600_000
SMALL_STATES: Final = 400_000
"""Per small scenario: more than there are, so that each is searched to the bottom."""
WRONG_DESIGN_STATES: Final = 300_000
LEAST_STATES: Final = {"short": 100_000, "nightly": 10_000_000}
"""A form that sees fewer proves too little."""


def explored(scenario: Scenario, most_states: int, **bound: int) -> tuple[Found, tuple[str, ...]]:
    """Search one scenario, and say what was found."""
    found = Explorer(scenario).run(most_states, **bound)
    depth = "all of them" if found.exhausted else "where the search ended"
    lines = [f"{scenario.name}: {found.states:,} states, {found.transitions:,} steps, {depth}"]
    if found.exhausted:
        lines.append(f"  everybody ended: {'; '.join(sorted(ended(found.ends)))}")
    if found.violation:
        lines += ["  a promise is broken:", *(f"    {step}" for step in found.violation)]
    return found, tuple(lines)


def ended(ends: Iterable[Ends]) -> frozenset[str]:
    """In what ways everybody ended, whoever did."""
    return frozenset(", ".join(sorted(map(_word, one))) for one in ends)


def _word(end: Outcome | None) -> str:
    if end is None:
        return "dead"
    return "failed" if end.failed else type(end.value).__name__


def small_bounds() -> list[tuple[Scenario, int]]:
    """The scenarios that are searched to the bottom, each with the most states to meet."""
    return [(scenario, SMALL_STATES) for scenario in small_scenarios()]


def large_bounds() -> list[tuple[Scenario, int]]:
    """The others of the ordinary test run."""
    return [(scenario, QUICK_STATES) for scenario in large_scenarios()]


def nightly_bounds() -> list[tuple[Scenario, int]]:
    """The scenarios of the long form."""
    return [(scenario, NIGHTLY_STATES) for scenario in nightly_scenarios()]


def ours(bounds: Iterable[tuple[Scenario, int]]) -> tuple[int, int, list[str]]:
    """Search the design as it is; give states, violations and lines."""
    states, violations = 0, 0
    lines: list[str] = []
    for scenario, most_states in bounds:
        found, said = explored(scenario, most_states)
        states += found.states
        violations += found.violation is not None
        lines += said
    return states, violations, lines


def without_the_faults(wrong: WrongDesign, found: Found) -> list[tuple[Found, tuple[str, ...]]]:
    """Search the cast that has not this fault, if there is one, in every way of as many steps as led to the fault."""
    if wrong.right is None or found.violation is None:
        return []
    return [explored(wrong.right(), WRONG_DESIGN_STATES, most_steps=len(found.violation) - 1)]


def wrong_designs() -> tuple[int, int, int, list[str]]:
    """Search each wrong design until a promise breaks, and as deep without its fault.

    Give how many broke their promise, states and violations of the right ones, and lines with the whole traces.
    """
    caught, states, violations = 0, 0, 0
    lines: list[str] = []
    for wrong in ALL:
        found, said = explored(wrong.make(), WRONG_DESIGN_STATES)
        is_found = wrong.is_shown_by(found.violation)
        caught += is_found
        lines += [f"wrong design{'' if is_found else f', NOT FOUND by {wrong.breaks!r}'}: {said[0]}", *said[1:]]
        for right, said_of_right in without_the_faults(wrong, found):
            states += right.states
            violations += right.violation is not None
            lines += [f"without that fault: {said_of_right[0]}", *said_of_right[1:]]
    return caught, states, violations, lines


def verdict(states: int, violations: int, caught: int, *, nightly: bool) -> Verdict:
    """Sum up: it holds where enough states were seen, none breaks a promise, and every wrong design was found."""
    least = LEAST_STATES["nightly" if nightly else "short"]
    summary = f"explored {states} states, {violations} violations, {caught} of {len(ALL)} wrong designs found"
    return Verdict(lines=(summary,), holds=violations == 0 and caught == len(ALL) and states >= least)


def run(*, nightly: bool) -> Verdict:
    """Search both; the last line has the figures."""
    states, violations, lines = ours(nightly_bounds() if nightly else [*small_bounds(), *large_bounds()])
    caught, more_states, more_violations, wrong_lines = wrong_designs()
    summed = verdict(states + more_states, violations + more_violations, caught, nightly=nightly)
    return replace(summed, lines=(*lines, *wrong_lines, *summed.lines))
