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
