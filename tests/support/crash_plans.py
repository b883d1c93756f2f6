"""Where faults strike: at every call, in every kind, alone and in pairs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from random import Random
from typing import Final, TypeAlias

from tests.support.fault_plan import FaultKind, FaultPlan

KINDS: Final = tuple(FaultKind)
Calls: TypeAlias = Sequence[frozenset[FaultKind]]
"""The calls of a run without a fault: for each the kinds that make a difference there."""

_SECONDS: Final = 3
_MORE_CALLS: Final = 12
"""By how many calls a fault may lengthen a run: it reads again what became unknown."""


def every(calls: Calls) -> Iterator[FaultPlan]:
    """Every kind at every call."""
    for kind in KINDS:
        for at, kinds in enumerate(calls):
            if kind in kinds:
                yield FaultPlan(at=at, kind=kind)


def one_each(calls: Calls) -> Iterator[FaultPlan]:
    """Every call and every kind at least once: at each call the kind that came least, then those that never came."""
    came = Counter[FaultKind]()
    rarest = sorted(KINDS, key=lambda kind: sum(kind in kinds for kinds in calls))
    for at, kinds in enumerate(calls):
        kind = min((kind for kind in rarest if kind in kinds), key=lambda kind: came[kind])
        came[kind] += 1
        yield FaultPlan(at=at, kind=kind)
    for number, kind in enumerate(kind for kind in rarest if not came[kind]):
        fit = [at for at, kinds in enumerate(calls) if kind in kinds]
        if fit:
            yield FaultPlan(at=fit[number % len(fit)], kind=kind)


def every_pair(calls: Calls, with_pass: int) -> Iterator[FaultPlan]:
    """Every kind at every call, and every kind at every later one, the calls of the first pass included."""
    for first in every(calls):
        for kind in KINDS:
            for later in range(first.at + 1, with_pass + _MORE_CALLS):
                yield FaultPlan(at=first.at, kind=first.kind, then={later: kind})


def some_pairs(calls: Calls, with_pass: int) -> Iterator[FaultPlan]:
    """A few later faults behind each of `one_each`, always the same, of every kind in turn."""
    random, kinds = Random(len(calls)), cycle(KINDS)
    for first in one_each(calls):
        for _ in range(_SECONDS):
            later = random.randrange(first.at + 1, with_pass + 1)
            yield FaultPlan(at=first.at, kind=first.kind, then={later: next(kinds)})
