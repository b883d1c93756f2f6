"""Rings under any order of verbs, faults, restarts and clock jumps, beside a small reference of what must hold."""

from datetime import timedelta
from typing import ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import NotDue, Reconciled, Rotated, Waiting
from journal_keys.ports.ledger import LedgerPage
from tests.support.crash_rules import require
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.reference_ring import CS, CV, LIFE, POLL, SKEW, W1, W2
from tests.support.ring_lab import Lab
from tests.support.ring_watch import Tally
from tests.support.world import POLICIES, Design, ours, request

_DAY: Final = 86_400
_NO_FAULT: Final = (-1, FaultKind.ERROR_BEFORE)

who_acts = st.integers(0, 2)
families = st.sampled_from(Family)
faults = st.just(_NO_FAULT) | st.tuples(st.integers(0, 12), st.sampled_from(FaultKind))
moments = st.sampled_from([1, 5, POLL, 60, 240, CS, CS + 1, CV, CV + 1, W1 - CV, W1, W1 + 1])
ages = st.sampled_from([_DAY // 2, _DAY + 1, LIFE - 1, LIFE, W2, 60 * _DAY])


class RingMachine(RuleBasedStateMachine):
    """Each rule is one step; `design` is ours, or a wrong one that has to be found."""

    design: ClassVar[Design] = staticmethod(ours)
    tally: ClassVar[Tally] = Tally()

    def __init__(self) -> None:
        super().__init__()
        self.tally.steps -= 1  # the first look is no step
        self.lab = Lab(type(self).design, self.tally)
        self.asked: list[tuple[Family, RotationRequest]] = []
        self.results: dict[str, Rotated] = {}

    @invariant()
    def every_text_is_good(self) -> None:
        self.tally.steps += 1
        self.lab.read_some()

    @rule(seconds=moments)
    def time_passes(self, seconds: int) -> None:
        self.lab.pass_time(seconds)

    @rule(seconds=ages)
    def much_time_passes(self, seconds: int) -> None:
        self.lab.pass_time(seconds)

    @rule(seconds=moments, who=who_acts)
    def everybody_works(self, seconds: int, who: int) -> None:
        self.lab.pass_time(seconds)
        for reader in range(3):
            self.lab.refresh(reader, plan(_NO_FAULT))
        for family in Family:
            self.lab.make(who, family)

    @rule(seconds=moments, who=who_acts)
    def a_day_goes_by(self, seconds: int, who: int) -> None:
        self.everybody_works(seconds, who)
        for family in Family:
            self.reconcile_in_peace(who, family)

    @rule(
        seconds=st.sampled_from([-400 * _DAY, -3600, -SKEW, -30, 30, 3600, 400 * _DAY]),
        is_seen=st.sampled_from([True] * 3 + [False]),
    )
    def wall_clock_jumps(self, seconds: int, is_seen: bool) -> None:  # noqa: FBT001
        self.lab.step_wall(seconds)
        if is_seen:
            self.lab.accept_clock()

    @rule(down=st.sampled_from([0, 1, CV, _DAY, LIFE]), who=who_acts)
    def something_restarts(self, down: int, who: int) -> None:
        if down:
            self.lab.reboot(down)
        else:
            self.lab.restart(who)

    @rule(who=who_acts, fault=st.tuples(st.integers(0, 3), st.sampled_from(FaultKind)))
    def refresh(self, who: int, fault: tuple[int, FaultKind]) -> None:
        self.lab.refresh(who, plan(fault))

    @rule(who=who_acts, family=families)
    def sign_or_encrypt(self, who: int, family: Family) -> None:
        self.lab.make(who, family)

    @rule(who=who_acts)
    def rewrap(self, who: int) -> None:
        self.lab.rewrap(who)

    @rule(who=who_acts)
    def read_everything(self, who: int) -> None:
        self.lab.read_all(who)

    @rule(who=who_acts, family=families, force=st.booleans(), fault=faults)
    def rotate(self, who: int, family: Family, force: bool, fault: tuple[int, FaultKind]) -> None:  # noqa: FBT001
        asked = request(f"r{len(self.asked)}", family, force=force)
        self.asked.append((family, asked))
        page = self.lab.page(family)
        ended = self.lab.verb(who, plan(fault), lambda world: world.rotate(family, asked))
        if ended.is_clean and page is not None:
            require(isinstance(ended.outcome, expected(page, wanted=force)), f"{ended.outcome} at {page.now}")
        self._remember(asked.rotation_id, ended.outcome)

    @rule(who=who_acts, number=st.integers(0, 100), fault=faults)
    def ask_again(self, who: int, number: int, fault: tuple[int, FaultKind]) -> None:
        if self.asked:
            family, asked = self.asked[number % len(self.asked)]
            ended = self.lab.verb(who, plan(fault), lambda world: world.rotate(family, asked))
            self._remember(asked.rotation_id, ended.outcome)

    def _remember(self, rotation_id: str, outcome: object) -> None:
        if isinstance(outcome, Rotated):
            first = self.results.setdefault(rotation_id, outcome)
            require(first == outcome, f"rotation {rotation_id} had two results")

    @rule(who=who_acts, family=families, fault=faults)
    def rotate_when_due(self, who: int, family: Family, fault: tuple[int, FaultKind]) -> None:
        self.lab.verb(who, plan(fault), lambda world: world.rotate_when_due(family))

    @rule(who=who_acts, family=families, number=st.integers(0, 5), reader=who_acts, fault=faults)
    def compromise(self, who: int, family: Family, number: int, reader: int, fault: tuple[int, FaultKind]) -> None:
        page = self.lab.page(family)
        if page is not None and page.ring is not None:
            kid = page.ring.accepted[number % len(page.ring.accepted)].kid
            self.lab.compromise(who, plan(fault), family, kid)
            self.lab.refresh(reader, plan(_NO_FAULT))
            self.lab.read_all(reader)

    @rule(who=who_acts, family=families, fault=faults)
    def retire(self, who: int, family: Family, fault: tuple[int, FaultKind]) -> None:
        self.lab.retire(who, plan(fault), family)

    @rule(who=who_acts, family=families, fault=faults)
    def reconcile(self, who: int, family: Family, fault: tuple[int, FaultKind]) -> None:
        self.lab.verb(who, plan(fault), lambda world: world.reconcile(family))
        self.reconcile_in_peace(who, family)

    def reconcile_in_peace(self, who: int, family: Family) -> None:
        """One pass, and nothing is left to do, whatever happened before."""
        before = self.lab.page(family)
        if before is None:
            return
        self.lab.verb(who, plan(_NO_FAULT), lambda world: world.reconcile(family))
        second = self.lab.verb(who, plan(_NO_FAULT), lambda world: world.reconcile(family)).outcome
        require(second == Reconciled(family=family, repairs=()), f"one pass was not enough: {second}")
        after = self.lab.page(family)
        require(after is not None and after.ring is not None and after.ring.staged is not None, "nothing is staged")
        if before.waiting and is_ripe(before):
            require(after is not None and not after.waiting, "a rotation still waits whose time had come")


def plan(fault: tuple[int, FaultKind]) -> FaultPlan:
    return FaultPlan(at=fault[0], kind=fault[1])


def is_ripe(page: LedgerPage) -> bool:
    """Whether the staged key is old enough on the ledger's clock."""
    staged = page.ring.staged if page.ring else None
    return staged is not None and page.now - staged.published_at >= timedelta(seconds=W1)


def expected(page: LedgerPage, *, wanted: bool) -> type[object]:
    """What a rotation with nothing in its way has to say."""
    active = page.ring.active if page.ring else None
    is_due = active is not None and page.now - active.since >= POLICIES[active.family].interval
    if not (wanted or page.waiting or is_due):
        return NotDue
    return Rotated if is_ripe(page) else Waiting
