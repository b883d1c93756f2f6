"""The breaker by itself, with a clock of numbers."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from journal_keys.domain.breaker import Breaker, Permit


def permit(breaker: Breaker, now_s: float) -> Permit:
    given = breaker.admit(now_s)
    assert given is not None
    return given


def test_one_failure_opens_it_and_nobody_is_let_out_until_it_has_rested() -> None:
    breaker = Breaker(first_rest_s=5)
    breaker.failed(permit(breaker, 0), 10)
    assert breaker.admit(14.9) is None
    assert breaker.rests_for(14) == 1
    assert breaker.admit(15) == Permit(is_probe=True)


def test_only_one_probe_is_out_at_a_time() -> None:
    breaker = Breaker(first_rest_s=5)
    breaker.failed(permit(breaker, 0), 0)
    probe = permit(breaker, 5)
    assert breaker.admit(6) is None
    breaker.abandoned(probe)
    assert breaker.admit(6) == Permit(is_probe=True)


def test_a_failed_probe_doubles_the_rest_up_to_a_bound() -> None:
    breaker = Breaker(first_rest_s=5, longest_rest_s=12)
    now_s, rests = 0.0, []
    for _ in range(4):
        breaker.failed(permit(breaker, now_s), now_s)
        rests.append(breaker.rests_for(now_s))
        now_s += rests[-1]
    assert rests == [5, 10, 12, 12]


def test_calls_that_were_out_when_it_opened_do_not_lengthen_the_rest() -> None:
    breaker = Breaker(first_rest_s=5)
    first, second = permit(breaker, 0), permit(breaker, 0)
    breaker.failed(first, 1)
    breaker.failed(second, 3)
    assert breaker.rests_for(1) == 5


def test_an_answered_probe_closes_it_and_the_next_rest_is_the_first_again() -> None:
    breaker = Breaker(first_rest_s=5)
    breaker.failed(permit(breaker, 0), 0)
    breaker.failed(permit(breaker, 5), 5)
    breaker.answered(permit(breaker, 15))
    assert not breaker.is_open
    breaker.failed(permit(breaker, 16), 16)
    assert breaker.rests_for(16) == 5


def test_a_late_answer_from_before_it_opened_does_not_close_it() -> None:
    breaker = Breaker(first_rest_s=5)
    late, first = permit(breaker, 0), permit(breaker, 0)
    breaker.failed(first, 1)
    breaker.answered(late)
    assert breaker.is_open
    assert breaker.admit(5.9) is None
    assert breaker.admit(6) == Permit(is_probe=True)


def test_a_closed_breaker_lets_everybody_out_and_rests_for_no_time() -> None:
    breaker = Breaker(first_rest_s=5)
    breaker.failed(permit(breaker, 0), 0)
    breaker.answered(permit(breaker, 5))
    assert (breaker.rests_for(5), Breaker().rests_for(5)) == (0, 0)
    assert [breaker.admit(5) for _ in range(3)] == [Permit(is_probe=False)] * 3


def test_after_an_answer_the_longest_rest_is_the_first_one_again() -> None:
    breaker = Breaker(first_rest_s=0.25, longest_rest_s=60)
    breaker.answered(permit(breaker, 0))
    breaker.failed(permit(breaker, 1), 1)
    assert breaker.rests_for(1) == 0.25


class BreakerMachine(RuleBasedStateMachine):
    """Any order of calls and ends."""

    @initialize()
    def start(self) -> None:
        self.breaker = Breaker(first_rest_s=5, longest_rest_s=60)
        self.now_s = 0.0
        self.out: list[Permit] = []

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def call(self) -> None:
        given = self.breaker.admit(self.now_s)
        if given is not None:
            self.out.append(given)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), end=st.sampled_from(["answered", "failed", "abandoned"]))
    def end(self, data: st.DataObject, end: str) -> None:
        given = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        if end == "failed":
            self.breaker.failed(given, self.now_s)
        else:
            getattr(self.breaker, end)(given)

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        assert sum(given.is_probe for given in getattr(self, "out", [])) <= 1

    @invariant()
    def it_never_rests_longer_than_its_bound(self) -> None:
        if hasattr(self, "breaker"):
            assert self.breaker.rests_for(self.now_s) <= 60


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
