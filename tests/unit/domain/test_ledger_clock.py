"""The ledger's time: no step of a wall clock shortens a wait."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_keys.domain.ledger_clock import ClockReading, ClockWentBackError, LedgerTime, accept, advance

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SKEW = timedelta(seconds=60)
YEAR = timedelta(days=365)


def reading(wall: timedelta, uptime: timedelta, boot: str = "a") -> ClockReading:
    return ClockReading(wall=T0 + wall, uptime=uptime, boot=boot)


KEPT = LedgerTime(at=T0, reading=reading(timedelta(0), timedelta(hours=1)))
HOUR = timedelta(hours=1)


def test_the_first_reading_is_the_wall_clock() -> None:
    assert advance(None, reading(HOUR, HOUR), skew=SKEW).at == T0 + HOUR


@pytest.mark.parametrize(
    ("now", "passed"),
    [
        pytest.param(reading(HOUR, 2 * HOUR), HOUR, id="an hour passes"),
        pytest.param(reading(YEAR, 2 * HOUR), HOUR, id="forward a year in one boot"),
        pytest.param(reading(-SKEW, 2 * HOUR), HOUR, id="back within the skew"),
        pytest.param(reading(HOUR, timedelta(0), "b"), HOUR, id="a reboot"),
        pytest.param(reading(-SKEW, timedelta(0), "b"), timedelta(0), id="a reboot and back within the skew"),
        pytest.param(reading(HOUR, timedelta(0)), timedelta(0), id="an uptime that went back"),
    ],
)
def test_what_passes_on_the_ledger_s_clock(now: ClockReading, passed: timedelta) -> None:
    assert advance(KEPT, now, skew=SKEW).at == T0 + passed


@pytest.mark.parametrize("boot", ["a", "b"])
def test_a_wall_clock_before_the_last_one_is_refused_with_both_times_and_the_way_out(boot: str) -> None:
    with pytest.raises(ClockWentBackError, match=r"2025-01-01.*2026-01-01.*--accept-clock"):
        advance(KEPT, reading(-YEAR, 2 * HOUR, boot), skew=SKEW)


def test_an_accepted_clock_goes_on_from_where_the_ledger_stood() -> None:
    accepted = accept(KEPT, reading(-YEAR, 2 * HOUR))
    assert accepted.at == T0 + HOUR
    later = advance(accepted, reading(-YEAR + HOUR, 3 * HOUR), skew=SKEW)
    assert later.at == T0 + 2 * HOUR


STEPS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(-(10**8), 10**8), st.booleans()), min_size=1, max_size=30)


@given(STEPS)
def test_it_never_goes_back_and_within_one_boot_never_runs_ahead(steps: list[tuple[int, int, bool]]) -> None:
    time, wall, uptime, boot = KEPT, timedelta(0), timedelta(hours=1), 0
    for passed_s, step_s, reboots in steps:
        wall += timedelta(seconds=passed_s + step_s)
        boot += reboots
        uptime = timedelta(0) if reboots else uptime + timedelta(seconds=passed_s)
        now = reading(wall, uptime, "a" if boot == 0 else str(boot))
        try:
            after = advance(time, now, skew=SKEW)
        except ClockWentBackError:
            after = accept(time, now)
        assert after.at >= time.at
        if now.boot == time.reading.boot:
            assert after.at - time.at == max(now.uptime - time.reading.uptime, timedelta(0))
        time = after
