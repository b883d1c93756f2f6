"""The world that is explored answers as the adapters in memory do, and one that does not is found."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from journal_keys.domain.keys import Family
from journal_keys.ports.ledger import LedgerPage
from tests.proof.explorer.actors import Effect
from tests.proof.explorer.beside_memory import first_difference
from tests.proof.explorer.world import NOTHING, TICK, Books, Clocks, Done, Ports, Shelf, compare_and_set

pytestmark = pytest.mark.no_cover

SEEDS = range(40)
CALLS = 60
ANSWERS = {
    "commit: done",
    "commit: StaleGenerationError",
    "commit: ClockWentBackError",
    "commit: TransitionError",
    "commit: RingInvariantError",
    "read: done",
    "read: ClockWentBackError",
    "rotations: done",
    "settle: done",
    "keep_clock: done",
    "keep_clock: ClockWentBackError",
    "read_folder: done",
    "put_new: done",
    "put_new: WriteOnceConflictError",
    "overwrite: done",
    "delete: done",
}


@pytest.mark.parametrize("family", Family)
async def test_the_world_that_is_explored_gives_every_answer_that_the_adapters_in_memory_give(family: Family) -> None:
    answers: Counter[str] = Counter()
    for seed in SEEDS:
        difference, alike = await first_difference(Ports(family), seed, CALLS)
        assert difference is None, f"seed {seed}: {difference}"
        answers += alike
    assert set(answers) == ANSWERS
    assert min(answers.values()) >= 10


@dataclass(slots=True)
class Forgetful(Ports):
    """A result that was there is replaced."""

    def _settle(self, effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        record = effect.arguments[0]
        known = {one.request.rotation_id: one for one in books.records} | {record.request.rotation_id: record}
        return replace(books, records=tuple(known[name] for name in sorted(known))), shelf, NOTHING


@dataclass(slots=True)
class Timeless(Ports):
    """What the clock has counted is not kept."""

    def _keep_clock(self, _effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        return books, shelf, NOTHING


@dataclass(slots=True)
class Overwriting(Ports):
    """A write-once name takes what is written."""

    def _put_new(self, effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        path, value = effect.arguments
        return books, self.with_value(shelf, path, value), NOTHING


WRONG: dict[str, tuple[Callable[[], Ports], str]] = {
    "no compare and set": (
        lambda: Ports(Family.JWT, commit=lambda _books, transition, now: transition(now)),
        "commit gives BrokenPromiseError('generation 1 followed 1') in the explorer's world, 'StaleGenerationError'",
    ),
    "a change is stamped a tick late": (
        lambda: Ports(Family.JWT, commit=lambda books, transition, now: compare_and_set(books, transition, now + TICK)),
        "commit gives",
    ),
    "what was settled waits": (
        lambda: Ports(
            Family.JWT, read=lambda _, books, now: LedgerPage(now=now, ring=books.ring, waiting=books.records)
        ),
        "read gives",
    ),
    "results are replaced": (lambda: Forgetful(Family.JWT), "rotations gives"),
    "the clock is not kept": (lambda: Timeless(Family.JWT), "read gives"),
    "write-once names are overwritten": (lambda: Overwriting(Family.JWT), "put_new gives None"),
}


@pytest.mark.parametrize(("wrong", "said"), WRONG.values(), ids=WRONG.keys())
async def test_a_world_that_answers_otherwise_is_found(wrong: Callable[[], Ports], said: str) -> None:
    differences = [(await first_difference(wrong(), seed, CALLS))[0] for seed in SEEDS]
    assert [difference for difference in differences if difference and said in difference]
