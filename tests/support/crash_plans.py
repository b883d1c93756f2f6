"""Where faults strike: at every call, in every kind, alone and in pairs."""

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.support.fault_plan import FaultKind, FaultPlan

KINDS: Final = tuple(FaultKind)
PAIRS: Final = 40
_MORE_CALLS: Final = 12
"""By how many calls a fault may lengthen a run: it reads again what became unknown."""


def every(calls: int) -> Iterator[FaultPlan]:
    """Every kind at every call."""
    for kind in KINDS:
        for at in range(calls):
            yield FaultPlan(at=at, kind=kind)


def one_each(calls: int) -> Iterator[FaultPlan]:
    """One kind at every call, in turn."""
    for at in range(calls):
        yield FaultPlan(at=at, kind=KINDS[at % len(KINDS)])


def every_pair(calls: int, with_pass: int) -> Iterator[FaultPlan]:
    """Every kind at every call, and every kind at every later one, the calls of the first pass included."""
    for first in every(calls):
        for second in every(with_pass + _MORE_CALLS):
            if second.at > first.at:
                yield FaultPlan(at=first.at, kind=first.kind, then={second.at: second.kind})


def some_pairs(calls: int, with_pass: int) -> Iterator[FaultPlan]:
    """A sample of them, always the same."""
    random = Random(calls)
    for _ in range(PAIRS):
        at = random.randrange(calls)
        later = random.randrange(at + 1, with_pass + 1)
        yield FaultPlan(at=at, kind=random.choice(KINDS), then={later: random.choice(KINDS)})
