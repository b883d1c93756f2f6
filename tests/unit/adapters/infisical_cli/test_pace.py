"""Budget and patience: how often, and how soon again."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journal_keys.adapters.infisical_cli.budget import Budget
from journal_keys.adapters.infisical_cli.failures import CallFailedError, CallFailure, Failure
from journal_keys.adapters.infisical_cli.patience import Pace, Patience
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.system.clock import SystemClock
from tests.support.canary.entropy import WatchedEntropy
from tests.support.virtual_time import LoopClock, run_virtually

START = datetime(2026, 1, 1, tzinfo=UTC)


def failure(kind: Failure, wait_s: float | None = None) -> CallFailedError:
    return CallFailedError(CallFailure(kind=kind, status=None, reason="x", wait_s=wait_s))


class Server:
    """Fails as often as it is told to."""

    def __init__(self, *failures: CallFailedError) -> None:
        self.failures = list(failures)
        self.tries = 0

    async def attempt(self) -> str:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def patience(*, retries: int = 3, delay_s: float = 0.001) -> Patience:
    return Patience(retries=retries, delay_s=delay_s, clock=SystemClock(), entropy=WatchedEntropy(1))


@pytest.mark.parametrize("kind", [Failure.TRANSPORT, Failure.SERVER])
async def test_a_read_that_failed_in_passing_is_tried_again(kind: Failure) -> None:
    server = Server(failure(kind), failure(kind), failure(kind))
    assert await patience()(server.attempt) == "answer"
    assert server.tries == 4


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_the_number_of_retries_is_the_one_that_was_set(retries: int) -> None:
    server = Server(*(failure(Failure.SERVER) for _ in range(9)))
    with pytest.raises(CallFailedError):
        await patience(retries=retries)(server.attempt)
    assert server.tries == 1 + retries


@pytest.mark.parametrize("kind", [kind for kind in Failure if kind not in {"transport", "server", "busy"}])
async def test_what_another_try_does_not_mend_is_not_tried_again(kind: Failure) -> None:
    server = Server(failure(kind))
    with pytest.raises(CallFailedError):
        await patience()(server.attempt)
    assert server.tries == 1


async def test_no_retry_is_begun_that_would_end_later_than_ten_seconds_after_the_first_try() -> None:
    server = Server(failure(Failure.SERVER))
    with pytest.raises(CallFailedError):
        await patience(delay_s=21)(server.attempt)
    assert server.tries == 1


async def test_the_delay_is_the_one_that_was_set_and_doubles() -> None:
    clock = ManualClock(START)
    pace = Pace(Patience(retries=3, delay_s=2.0, clock=clock, entropy=WatchedEntropy(1)))
    waits_s = []
    for _ in range(2):
        assert pace.goes_on(failure(Failure.SERVER))
        waits_s.append(pace.pause_s)
    assert 1 <= waits_s[0] < 2 <= waits_s[1] < 4


async def test_a_busy_server_is_left_alone_for_as_long_as_it_says() -> None:
    clock = ManualClock(START)
    pace = Pace(Patience(retries=3, delay_s=0.1, clock=clock, entropy=WatchedEntropy(1)))
    assert pace.goes_on(failure(Failure.BUSY, wait_s=60))
    assert 61 <= pace.pause_s <= 62


@pytest.mark.parametrize(
    ("told_s", "goes_on"),
    [([300], [True]), ([301], [False]), ([59_999_940], [False]), ([150, 150, 1], [True, True, False])],
    ids=["five minutes", "a second more", "a hundred years", "five minutes in all"],
)
async def test_no_call_waits_longer_than_five_minutes_because_a_server_says_so(
    told_s: list[float], goes_on: list[bool]
) -> None:
    pace = Pace(Patience(retries=3, delay_s=0.1, clock=ManualClock(START), entropy=WatchedEntropy(1)))
    assert [pace.goes_on(failure(Failure.BUSY, wait_s=wait_s)) for wait_s in told_s] == goes_on


async def test_a_longer_pause_than_five_minutes_ends_after_five_minutes() -> None:
    budget = Budget(most=9, clock=ManualClock(START))
    budget.pause(59_999_940)
    assert budget.waits_for() == 300


async def test_who_gives_up_is_not_tried_again() -> None:
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(patience()(hang))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_an_application_s_standard_output_and_log_are_left_alone(tmp_path: Path) -> None:
    """Retries are told to the logger of this package, and to nothing that a library of ours sets up for itself."""
    program = """
import asyncio
from journal_keys.adapters.infisical_cli.failures import CallFailedError, CallFailure, Failure
from journal_keys.adapters.infisical_cli.patience import Patience
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
tries = []
async def attempt():
    tries.append(1)
    if len(tries) < 3:
        raise CallFailedError(CallFailure(kind=Failure.SERVER, status=None, reason="x", wait_s=None))
asyncio.run(Patience(retries=3, delay_s=0.001, clock=SystemClock(), entropy=SystemEntropy())(attempt))
assert len(tries) == 3
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == (b"", b"")


async def test_a_budget_lets_so_many_through_at_once_and_the_next_when_the_first_is_past() -> None:
    clock = ManualClock(START)
    budget = Budget(most=3, clock=clock)
    for _ in range(3):
        assert budget.waits_for() == 0
        await budget.spend()
        clock.pass_time(timedelta(seconds=10))
    assert budget.waits_for() == 30
    clock.pass_time(timedelta(seconds=30))
    assert budget.waits_for() == 0


def test_a_spent_budget_makes_the_next_one_wait() -> None:
    spent_s: list[float] = []

    async def spend_all() -> None:
        clock = LoopClock(asyncio.get_running_loop(), START)
        budget = Budget(most=2, clock=clock)

        async def spend() -> None:
            await budget.spend()
            spent_s.append(clock.uptime_s())

        await asyncio.gather(*(spend() for _ in range(7)))

    run_virtually(spend_all())
    assert spent_s == pytest.approx([0, 0, 60, 60, 120, 120, 180])


async def test_a_pause_that_the_server_asked_for_holds_for_all() -> None:
    clock = ManualClock(START)
    budget = Budget(most=9, clock=clock)
    budget.pause(60)
    budget.pause(5)
    assert budget.waits_for() == 60
    clock.pass_time(timedelta(seconds=60))
    assert budget.waits_for() == 0


async def test_who_gives_up_waiting_spends_nothing() -> None:
    clock = ManualClock(START)
    budget = Budget(most=1, clock=clock)
    await budget.spend()
    waiting = asyncio.create_task(budget.spend())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    clock.pass_time(timedelta(seconds=60))
    assert budget.waits_for() == 0
