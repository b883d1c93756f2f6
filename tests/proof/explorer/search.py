"""Breadth first over every interleaving, fault and crash; the first broken promise comes with its shortest trace."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeAlias, TypeVar

from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import Reconciled
from tests.proof.explorer.actors import WRITES, Effect, Ends, Nodes, Outcome, Verb
from tests.proof.explorer.promises import (
    OLDEST_READER,
    OLDEST_SIGNER,
    Held,
    Promises,
    View,
    ViewOf,
    ledger_view,
    lost_material,
)
from tests.proof.explorer.world import Books, BrokenPromiseError, Clocks, Ports, Shelf

T = TypeVar("T", bound=Hashable)
State: TypeAlias = tuple[int, ...]
Label: TypeAlias = tuple[str, int, int]
Step: TypeAlias = tuple[Label, State]

CLOCKS, BOOKS, SHELF, SIGNED, PENDING, FAULTS, SIGNER, READERS = range(8)
"""Places in a state; each number but FAULTS stands for a value in a table.

From 8 on: one node per actor, or `_DEAD` less the number of its end.
"""
_FIXED: Final = 8
_DEAD: Final = -2
"""Not -1: Python hashes both alike, and states are known by their hashes."""
_YEAR: Final = 1000
_ANY: Final = 1_000_000
_OF_STORE: Final = frozenset({"read_folder", "put_new", "overwrite", "delete"})
_OF_LEDGER: Final = frozenset({"read", "rotations", "keep_clock", "commit", "settle"})
_STALE: Final = Held(View(), -1)


class Table(Generic[T]):
    """Numbers for values."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        known = self._numbers.get(value)
        if known is None:
            known = self._numbers[value] = len(self.values)
            self.values.append(value)
        return known

    def __getitem__(self, number: int) -> T:
        return self.values[number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Who acts on what, for how long, and how much may go wrong."""

    name: str
    family: Family
    ports: Ports
    scripts: tuple[tuple[Verb, ...], ...]
    books: Books = field(default_factory=Books)
    shelf: Shelf = frozenset()
    horizon: int
    faults: int = 0
    readers: int = 1
    clocks_jump: bool = False
    view_of: ViewOf = ledger_view
    signer_view_of: ViewOf = ledger_view
    truth_of: ViewOf = ledger_view
    rest: Verb | None = None
    judge: Callable[[Outcome, Books, bool], str | None] = lambda _outcome, _books, _had_fault: None
    """What is wrong with the end of a verb; whether any fault was there before it."""
    at_end: Callable[[Books, Shelf], str | None] = lambda _books, _shelf: None
    """What is wrong once nobody acts any more, before any pass of `rest`."""
    judge_ends: Callable[[Ends], str | None] = lambda _ends: None
    """What is wrong with all ends, taken together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How many distinct states were met; the trace of the first violation, None where there is none."""

    states: int
    transitions: int
    steps: int
    """So many, one after the other, were taken in every way that there is."""
    exhausted: bool
    ends: frozenset[Ends]
    """In what ways everybody ended."""
    violation: tuple[str, ...] | None


class Violation(Exception):  # noqa: N818 (it is what is looked for)
    """A promise is broken in the state that was about to be."""


@dataclass(slots=True)
class Explorer:
    """One search over one scenario."""

    scenario: Scenario
    clocks: Table[Clocks] = field(default_factory=Table)
    books: Table[Books] = field(default_factory=Table)
    shelves: Table[Shelf] = field(default_factory=Table)
    signed: Table[tuple[tuple[Kid, int], ...]] = field(default_factory=Table)
    pending: Table[tuple[int, ...]] = field(default_factory=Table)
    held: Table[Held] = field(default_factory=Table)
    crowds: Table[tuple[Held, ...]] = field(default_factory=Table)
    outcomes: Table[Outcome | None] = field(default_factory=Table)
    ends: set[Ends] = field(default_factory=set)
    judged: dict[tuple[int, ...], str | None] = field(default_factory=dict)
    applied: dict[State, tuple[int, int, int]] = field(default_factory=dict)
    calm: set[tuple[int, int]] = field(default_factory=set)
    parents: dict[int, int] = field(default_factory=dict)
    doing: Label = ("nothing", -1, -1)
    nodes: Nodes = field(init=False)
    following: dict[int, int] = field(init=False)
    firsts: list[int] = field(init=False)
    promises: Promises = field(init=False)

    def __post_init__(self) -> None:
        verbs = [verb for script in self.scenario.scripts for verb in script]
        self.nodes = Nodes([*verbs, *([self.scenario.rest] if self.scenario.rest else [])])
        self.promises = Promises(self.scenario.family)
        self.outcomes.number(None)
        self.following, self.firsts, number = {}, [], 0
        for script in self.scenario.scripts:
            self.firsts.append(self.nodes.roots[number])
            for place in range(len(script)):
                last = place == len(script) - 1
                self.following[number] = _DEAD if last else self.nodes.roots[number + 1]
                number += 1

    def initial(self) -> State:
        """Everybody is about to begin, and knows the ring as it stands."""
        scenario = self.scenario
        held = Held(scenario.view_of(scenario.books, scenario.shelf), 0)
        signer = Held(scenario.signer_view_of(scenario.books, scenario.shelf), 0)
        return (
            self.clocks.number(Clocks()),
            self.books.number(scenario.books),
            self.shelves.number(scenario.shelf),
            self.signed.number(()),
            self.pending.number(()),
            scenario.faults,
            self.held.number(signer),
            self.crowds.number((held,) * scenario.readers),
            *self.firsts,
        )

    def run(self, most_states: int, most_steps: int = _ANY) -> Found:
        """Search until a promise breaks, nothing is left, or so many states were met or steps taken in a row."""
        start = self.initial()
        self.parents = {hash(start): 0}
        layer, transitions, taken = [start], 0, 0
        while layer and taken < most_steps:
            following: list[State] = []
            for state in layer:
                steps = self.successors(state)
                while True:
                    try:
                        _, after = next(steps)
                    except StopIteration:
                        break
                    except (Violation, BrokenPromiseError) as broken:
                        last = self.say(self.doing)
                        trace = (*self.trace(state), last, str(broken))
                        return self._found(transitions, taken, exhausted=False, violation=trace)
                    transitions += 1
                    name = hash(after)
                    if name not in self.parents:
                        self.parents[name] = hash(state)
                        following.append(after)
                if len(self.parents) >= most_states:
                    return self._found(transitions, taken, exhausted=False, violation=None)
            layer, taken = following, taken + 1
        return self._found(transitions, taken, exhausted=not layer, violation=None)

    def _found(self, transitions: int, steps: int, *, exhausted: bool, violation: tuple[str, ...] | None) -> Found:
        return Found(states=len(self.parents), transitions=transitions, steps=steps, exhausted=exhausted,
                     ends=frozenset(self.ends), violation=violation)  # fmt: skip

    def successors(self, state: State) -> Iterator[Step]:
        """Every step that anybody or anything may take. Raises `Violation` at the step that breaks a promise."""
        yield from self._acts(state)
        yield from self._late_writes(state)
        yield from self._views(state)
        yield from self._time(state)

    def _acts(self, state: State) -> Iterator[Step]:
        for actor in range(len(self.firsts)):
            number = state[_FIXED + actor]
            if number < 0:
                continue
            self.doing = "does", actor, number
            books, shelf, after = self._apply(state, number)
            yield self.doing, self._moved(state, actor, after, books=books, shelf=shelf)
            if state[FAULTS]:
                yield from self._faults(state, actor, number)

    def _faults(self, state: State, actor: int, number: int) -> Iterator[Step]:
        spent = _with(state, FAULTS, state[FAULTS] - 1)
        effect = self._effect(number)
        clocks, books = self.clocks[state[CLOCKS]], self.books[state[BOOKS]]
        failed = self.nodes.child(number, self.scenario.ports.fail(effect, clocks, books))
        self.doing = "gets no answer", actor, number
        yield self.doing, self._moved(spent, actor, failed)
        if effect.name in WRITES:
            self.doing = "gets no answer, yet it was done", actor, number
            done_books, done_shelf, _ = self._apply(state, number)
            yield self.doing, self._moved(spent, actor, failed, books=done_books, shelf=done_shelf)
            self.doing = "gets no answer, and it may be done later", actor, number
            late = tuple(sorted((*self.pending[state[PENDING]], number)))
            waiting = _with(spent, PENDING, self.pending.number(late))
            yield self.doing, self._moved(waiting, actor, failed)
        self.doing = "dies", actor, number
        dead = _with(spent, _FIXED + actor, self.following[self.nodes[number].verb])
        yield self.doing, self._checked(dead)

    def _late_writes(self, state: State) -> Iterator[Step]:
        late = self.pending[state[PENDING]]
        for number in set(late):
            self.doing = "lands late", -1, number
            books, shelf, _ = self._apply(state, number)
            rest = list(late)
            rest.remove(number)
            after = _with(state, PENDING, self.pending.number(tuple(rest)))
            yield self.doing, self._checked(_with(_with(after, BOOKS, books), SHELF, shelf))

    def _views(self, state: State) -> Iterator[Step]:
        true = self.clocks[state[CLOCKS]].true
        books, shelf = self.books[state[BOOKS]], self.shelves[state[SHELF]]
        signer, asked = self.held[state[SIGNER]], Held(self.scenario.signer_view_of(books, shelf), true)
        if signer != asked:
            self.doing = "signer refreshes", -1, -1
            yield self.doing, _with(state, SIGNER, self.held.number(asked))
        if signer.view.active and true - signer.confirmed <= OLDEST_SIGNER:
            yield from self._signs(state, signer.view.active, true)
        fresh = Held(self.scenario.view_of(books, shelf), true)
        readers = self.crowds[state[READERS]]
        for place, reader in enumerate(readers):
            if reader != fresh:
                crowd = (*readers[:place], fresh, *readers[place + 1 :])
                self.doing = "reader refreshes", place, -1
                yield self.doing, self._checked(_with(state, READERS, self.crowds.number(crowd)))

    def _signs(self, state: State, kid: Kid, true: int) -> Iterator[Step]:
        before = dict(self.signed[state[SIGNED]])
        if before.get(kid) != true:
            signed = tuple(sorted({**before, kid: true}.items()))
            self.doing = "signer signs", -1, -1
            yield self.doing, self._checked(_with(state, SIGNED, self.signed.number(signed)))

    def _time(self, state: State) -> Iterator[Step]:
        now = self.clocks[state[CLOCKS]]
        if now.true < self.scenario.horizon:
            self.doing = "a tick passes", -1, -1
            yield self.doing, self._checked(self._later(state, now._replace(true=now.true + 1, uptime=now.uptime + 1)))
        if self.scenario.clocks_jump and state[FAULTS]:
            spent = _with(state, FAULTS, state[FAULTS] - 1)
            for step in (_YEAR, -_YEAR):
                stepped = now._replace(wall_step=now.wall_step + step)
                self.doing = "the wall clock steps", step, -1
                yield self.doing, _with(spent, CLOCKS, self.clocks.number(stepped))
            booted = _with(spent, CLOCKS, self.clocks.number(now._replace(boot=now.boot + 1, uptime=0)))
            for actor in range(len(self.firsts)):
                number = booted[_FIXED + actor]
                if number not in self.firsts and number >= 0:
                    booted = _with(booted, _FIXED + actor, self.following[self.nodes[number].verb])
            self.doing = "the host reboots", -1, -1
            yield self.doing, self._checked(booted)

    def _later(self, state: State, now: Clocks) -> State:
        """The state at a later tick, without what no longer matters: views and tokens that are too old."""

        def fresh(held: Held, oldest: int) -> Held:
            return held if now.true - held.confirmed <= oldest else _STALE

        crowd = tuple(fresh(reader, OLDEST_READER) for reader in self.crowds[state[READERS]])
        alive = tuple(item for item in self.signed[state[SIGNED]] if now.true <= item[1] + self.promises.life)
        after = list(state)
        after[CLOCKS] = self.clocks.number(now)
        after[SIGNER] = self.held.number(fresh(self.held[state[SIGNER]], OLDEST_SIGNER))
        after[READERS] = self.crowds.number(crowd)
        after[SIGNED] = self.signed.number(alive)
        return tuple(after)

    def _effect(self, number: int) -> Effect:
        effect = self.nodes[number].next
        if not isinstance(effect, Effect):
            raise TypeError("an outcome waits for no answer")
        return effect

    def _apply(self, state: State, number: int) -> tuple[int, int, int]:
        """Give books, shelf and node after this effect, each as a number."""
        effect = self._effect(number)
        of_store, of_ledger = effect.name in _OF_STORE, effect.name in _OF_LEDGER
        seen = (state[SHELF],) if of_store else (state[CLOCKS], state[BOOKS])
        key = (number, *seen) if of_store or of_ledger else (number, *state[:SIGNED])
        known = self.applied.get(key)
        if known is None:
            books, shelf, answer = self.scenario.ports.apply(
                effect, self.clocks[state[CLOCKS]], self.books[state[BOOKS]], self.shelves[state[SHELF]]
            )
            known = self.books.number(books), self.shelves.number(shelf), self.nodes.child(number, answer)
            self.applied[key] = known
        books_after, shelf_after, node = known
        return state[BOOKS] if of_store else books_after, state[SHELF] if of_ledger else shelf_after, node

    def _moved(
        self, state: State, actor: int, node: int, *, books: int | None = None, shelf: int | None = None
    ) -> State:
        after = list(state)
        if books is not None and shelf is not None:
            after[BOOKS], after[SHELF] = books, shelf
        reached = self.nodes[node]
        if isinstance(reached.next, Outcome):
            had_fault = after[FAULTS] < self.scenario.faults
            verdict = self.scenario.judge(reached.next, self.books[after[BOOKS]], had_fault)
            if verdict:
                raise Violation(verdict)
            node = self.following[reached.verb]
            if node == _DEAD:
                node = _DEAD - self.outcomes.number(reached.next)
        after[_FIXED + actor] = node
        return self._checked(tuple(after))

    def _checked(self, state: State) -> State:
        key = (state[CLOCKS], state[BOOKS], state[SHELF], state[SIGNED], state[READERS])
        if key not in self.judged:
            self.judged[key] = self._judge(state)
        broken = self.judged[key]
        if broken:
            raise Violation(broken)
        if state[PENDING] == 0 and all(node < 0 for node in state[_FIXED:]):
            self._check_end(state)
        return state

    def _check_end(self, state: State) -> None:
        ends = tuple(self.outcomes[_DEAD - node] for node in state[_FIXED:])
        self.ends.add(ends)
        books, shelf = self.books[state[BOOKS]], self.shelves[state[SHELF]]
        wrong = self.scenario.judge_ends(ends) or self.scenario.at_end(books, shelf)
        if wrong:
            raise Violation(wrong)
        if self.scenario.rest:
            self._check_rest(state)

    def _judge(self, state: State) -> str | None:
        books, shelf = self.books[state[BOOKS]], self.shelves[state[SHELF]]
        lost = lost_material(self.scenario.family, books.ring, shelf)
        if lost:
            return lost
        signed: Mapping[Kid, int] = dict(self.signed[state[SIGNED]])
        truth: View = self.scenario.truth_of(books, shelf)
        readers = self.crowds[state[READERS]]
        return self.promises.broken(self.clocks[state[CLOCKS]].true, signed, readers, truth, books.ring)

    def _check_rest(self, state: State) -> None:
        """Nobody acts any more: passes of reconcile, a wait apart (promote, retire), leave nothing to do."""
        key, clocks = (state[BOOKS], state[SHELF]), self.clocks[state[CLOCKS]]
        time = self.books[state[BOOKS]].time
        if key in self.calm or (time and time.reading.wall > clocks.reading().wall):
            return  # seen before; or somebody has to accept the clock first
        self.calm.add(key)
        for waited in (0, 10, 20, 30):
            now = clocks._replace(true=clocks.true + waited, uptime=clocks.uptime + waited)
            state = _with(state, CLOCKS, self.clocks.number(now))
            state, outcome = self._pass(state)
        if outcome.failed or (isinstance(outcome.value, Reconciled) and outcome.value.repairs):
            raise Violation(f"four passes of reconcile bring no rest: {outcome.value}")

    def _pass(self, state: State) -> tuple[State, Outcome]:
        number = self.nodes.roots[-1]
        while isinstance(self.nodes[number].next, Effect):
            books, shelf, number = self._apply(state, number)
            state = _with(_with(state, BOOKS, books), SHELF, shelf)
        outcome = self.nodes[number].next
        if not isinstance(outcome, Outcome):
            raise TypeError("a verb ends with an outcome")
        return state, outcome

    def trace(self, state: State) -> tuple[str, ...]:
        """The shortest way from the beginning to this state, in words."""
        names = [hash(state)]
        while self.parents[names[-1]]:
            names.append(self.parents[names[-1]])
        here, words = self.initial(), []
        for name in reversed(names[:-1]):
            label, here = next((label, after) for label, after in self.successors(here) if hash(after) == name)
            words.append(self.say(label))
        return tuple(words)

    def say(self, label: Label) -> str:
        """One step, in words."""
        words, who, number = label
        if number < 0:
            return words if who == -1 else f"{words} ({who})"
        effect = self._effect(number)
        about = ", ".join(str(one) for one in effect.arguments if isinstance(one, str) or hasattr(one, "segments"))
        call = f"{effect.name} {about}".strip()
        return f"{call} {words}" if who < 0 else f"actor {who} {words}: {call}"


def _with(state: State, place: int, number: int) -> State:
    return (*state[:place], number, *state[place + 1 :])
