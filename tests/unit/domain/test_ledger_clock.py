"""The ledger's time: no step of a wall clock, no reboot and no other host shortens a wait."""

from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.domain.changes import AuditFact, clock_accepted
from journal_keys.domain.ledger_clock import ClockReading, ClockWentBackError, LedgerTime, accept, advance

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SKEW = timedelta(seconds=60)
YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
ZERO = timedelta(0)


def reading(wall: timedelta, uptime: timedelta, boot: str = "a") -> ClockReading:
    return ClockReading(wall=T0 + wall, uptime=uptime, boot=boot)


KEPT = LedgerTime(at=T0, reading=reading(ZERO, HOUR))


def test_the_first_reading_is_the_wall_clock() -> None:
    first = reading(HOUR, 2 * HOUR)
    assert advance(None, first, skew=SKEW) == accept(None, first) == LedgerTime(at=T0 + HOUR, reading=first)


@pytest.mark.parametrize(
    ("now", "passed"),
    [
        pytest.param(reading(HOUR, 2 * HOUR), HOUR, id="an hour passes"),
        pytest.param(reading(YEAR, 2 * HOUR), HOUR, id="forward a year in one boot"),
        pytest.param(reading(-SKEW, 2 * HOUR), HOUR, id="back within the skew"),
        pytest.param(reading(YEAR, HOUR, "b"), ZERO, id="what nobody counted across a reboot"),
        pytest.param(reading(-SKEW, ZERO, "b"), ZERO, id="a reboot and back within the skew"),
        pytest.param(reading(HOUR, ZERO), ZERO, id="an uptime that went back"),
    ],
)
def test_what_passes_on_the_ledger_s_clock(now: ClockReading, passed: timedelta) -> None:
    assert advance(KEPT, now, skew=SKEW) == LedgerTime(at=T0 + passed, reading=now)


def test_a_new_boot_counts_from_its_first_reading() -> None:
    first = advance(KEPT, reading(HOUR, HOUR, "b"), skew=SKEW)
    assert advance(first, reading(HOUR, 3 * HOUR, "b"), skew=SKEW).at == T0 + 2 * HOUR


def test_what_another_host_counted_before_is_not_counted_again() -> None:
    elsewhere = advance(KEPT, reading(HOUR, ZERO, "b"), skew=SKEW)
    assert advance(elsewhere, reading(HOUR, 2 * HOUR, "a"), skew=SKEW).at == T0


OWN = LedgerTime(at=T0 - HOUR, reading=reading(-HOUR, ZERO, "b"))
"""What boot b kept an hour before boot a kept the last time."""


@pytest.mark.parametrize(
    ("now", "own", "passed"),
    [
        pytest.param(reading(HOUR, 2 * HOUR, "b"), OWN, HOUR, id="the hour that both clocks tell"),
        pytest.param(reading(HOUR + SKEW, 2 * HOUR, "b"), OWN, HOUR, id="no more than it counted itself"),
        pytest.param(reading(HOUR - SKEW, 2 * HOUR, "b"), OWN, HOUR - SKEW, id="no more than the wall clock tells"),
        pytest.param(
            reading(HOUR + SKEW + SKEW / 60, 2 * HOUR, "b"), OWN, ZERO, id="a wall clock that was set forward"
        ),
        pytest.param(reading(HOUR - SKEW - SKEW / 60, 2 * HOUR, "b"), OWN, ZERO, id="a wall clock that was set back"),
        pytest.param(reading(YEAR, 2 * HOUR, "b"), OWN, ZERO, id="forward a year"),
        pytest.param(reading(-SKEW, HOUR, "b"), OWN, ZERO, id="never back"),
        pytest.param(reading(HOUR, 2 * HOUR, "b"), None, ZERO, id="a boot that kept nothing yet"),
        pytest.param(
            reading(HOUR, 2 * HOUR, "b"),
            LedgerTime(at=T0 - 2 * HOUR, reading=OWN.reading),
            ZERO,
            id="what it lost itself",
        ),
    ],
)
def test_what_passes_where_another_host_kept_the_clock_last(
    now: ClockReading, own: LedgerTime | None, passed: timedelta
) -> None:
    assert advance(KEPT, now, skew=SKEW, own=own) == LedgerTime(at=T0 + passed, reading=now)


def test_hosts_that_take_turns_lose_no_time() -> None:
    marks = {"a": KEPT}
    time = KEPT
    for turn in range(1, 9):
        name = "ab"[turn % 2]
        now = reading(turn * HOUR, (turn + 1) * HOUR, name)
        time = marks[name] = advance(time, now, skew=SKEW, own=marks.get(name))
    assert time.at == T0 + 7 * HOUR, "only the hour before the first reading of b is lost"


@pytest.mark.parametrize("boot", ["a", "b"])
def test_a_wall_clock_before_the_last_one_is_refused_with_both_times_and_the_way_out(boot: str) -> None:
    with pytest.raises(ClockWentBackError) as caught:
        advance(KEPT, reading(-YEAR, 2 * HOUR, boot), skew=SKEW)
    assert str(caught.value) == (
        "this host's clock reads 2025-01-01T00:00:00+00:00, yet the ledger was changed at 2026-01-01T00:00:00+00:00:"
        " nothing is changed until the clock is right; if the earlier reading was the wrong one, run"
        " 'journal-keys reconcile --accept-clock'"
    )


def test_a_wall_clock_may_stand_back_by_the_skew_and_not_a_tick_more() -> None:
    advance(KEPT, reading(-SKEW, HOUR), skew=SKEW)
    with pytest.raises(ClockWentBackError):
        advance(KEPT, reading(-SKEW - timedelta(microseconds=1), HOUR), skew=SKEW)


def test_an_accepted_clock_goes_on_from_where_the_ledger_stood() -> None:
    accepted = accept(KEPT, reading(-YEAR, 2 * HOUR))
    assert accepted.at == T0 + HOUR
    later = advance(accepted, reading(-YEAR + HOUR, 3 * HOUR), skew=SKEW)
    assert later.at == T0 + 2 * HOUR


@pytest.mark.parametrize(("before", "told"), [(KEPT, T0.isoformat()), (None, "none")], ids=["a kept clock", "no clock"])
def test_accepting_a_clock_is_a_fact_with_both_readings(before: LedgerTime | None, told: str) -> None:
    now = LedgerTime(at=T0 + HOUR, reading=reading(-YEAR, HOUR))
    assert clock_accepted(before, now, actor="ops", reason="it was wrong") == AuditFact(
        at=T0 + HOUR,
        actor="ops",
        action="clock_accepted",
        family=None,
        kid=None,
        reason="it was wrong",
        detail={"wall": (T0 - YEAR).isoformat(), "wall_before": told},
    )
