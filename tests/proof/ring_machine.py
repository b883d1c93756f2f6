"""Rings under any order of verbs, faults, restarts and clock jumps, beside a small reference of what must hold."""

from collections.abc import Iterable
from itertools import count
from typing import Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.proof.verdict import Verdict
from tests.support.crash_rules import BreachError
from tests.support.ring_rules import RingMachine
from tests.support.ring_watch import Tally
from tests.support.world import Design, ours

PARTS: Final = 4
STEPS: Final = 5_000
NIGHTLY_STEPS: Final = 250_000
_BATCH: Final = settings(
    max_examples=10,  # later ones would repeat parts of earlier ones
    stateful_step_count=50,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def explore(steps: int, number: int, design: Design = ours) -> Tally:
    """Take at least so many steps; each number gives other ones, always the same.

    Raises:
        BreachError: something that must hold does not; hypothesis tells the steps to it.
    """
    tally = Tally()
    for batch in count():
        if tally.steps >= steps:
            break
        machine = type("Machine", (RingMachine,), {"design": staticmethod(design), "tally": tally})
        run_state_machine_as_test(seed(number * 1_000_000 + batch)(machine), settings=_BATCH)
    return tally


def part(number: int, *, nightly: bool) -> Tally:
    """One of the parts that are independent of each other."""
    return explore(NIGHTLY_STEPS if nightly else STEPS, number)


def verdict(parts: Iterable[Tally], *, least: int) -> Verdict:
    """Sum the parts up."""
    total = Tally()
    for one in parts:
        total.add(one)
    return Verdict(lines=(total.story, str(total)), holds=total.steps >= least)


def run(*, nightly: bool) -> Verdict:
    """Explore every part; a breach is told with the steps to it."""
    least = PARTS * (NIGHTLY_STEPS if nightly else STEPS)
    try:
        return verdict((part(number, nightly=nightly) for number in range(PARTS)), least=least)
    except BreachError as breach:
        return Verdict(lines=(*getattr(breach, "__notes__", ()), str(breach)), holds=False)
