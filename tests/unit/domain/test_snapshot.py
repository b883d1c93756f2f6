"""The age of a snapshot: no step of a wall clock lengthens its life, whatever boots lie between."""

from datetime import timedelta

import pytest

from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_clock import UNSURE_BOOT, ClockReading
from journal_keys.domain.snapshot import SnapshotTooOldError, elapsed
from tests.support.snapshots import MINUTE, PATH, reading, small_snapshot

HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)
BOOTED = timedelta(days=3)
UNSURE = f"{UNSURE_BOOT}laptop"


@pytest.mark.parametrize(
    ("now", "passed"),
    [
        pytest.param(reading(wall=HOUR, uptime=BOOTED + HOUR), HOUR, id="an hour in one boot"),
        pytest.param(reading(wall=YEAR, uptime=BOOTED + HOUR), HOUR, id="the wall clock went forward in one boot"),
        pytest.param(reading(wall=-YEAR, uptime=BOOTED + HOUR), HOUR, id="the wall clock went back in one boot"),
        pytest.param(reading(wall=HOUR, uptime=MINUTE, boot="b"), HOUR, id="a reboot"),
        pytest.param(reading(wall=MINUTE, uptime=YEAR, boot="b"), MINUTE, id="a host that was up for longer"),
        pytest.param(reading(boot="b"), timedelta(0), id="no time at all"),
        pytest.param(reading(wall=HOUR, uptime=MINUTE), HOUR, id="an uptime that went back is another boot"),
    ],
)
def test_what_has_passed_since_a_snapshot_was_taken(now: ClockReading, passed: timedelta) -> None:
    assert elapsed(reading(), now) == passed


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(reading(wall=-timedelta(microseconds=1), boot="b"), id="after a reboot"),
        pytest.param(reading(wall=-YEAR, uptime=YEAR, boot="b"), id="on a host that was up for longer"),
        pytest.param(reading(wall=-MINUTE, uptime=MINUTE), id="with an uptime that went back"),
    ],
)
def test_a_wall_clock_before_the_snapshot_is_refused_with_both_times(now: ClockReading) -> None:
    with pytest.raises(
        SnapshotTooOldError, match=r"clock reads 202.*yet the snapshot was taken at 2026-03-01T12:00:00"
    ):
        elapsed(reading(), now)


@pytest.mark.parametrize(
    ("wall", "uptime", "passed"),
    [
        pytest.param(HOUR, BOOTED + MINUTE, HOUR, id="a reboot may have gone unnoticed"),
        pytest.param(MINUTE, BOOTED + HOUR, HOUR, id="the wall clock was set back"),
    ],
)
def test_where_boots_have_no_names_the_longer_time_counts(
    wall: timedelta, uptime: timedelta, passed: timedelta
) -> None:
    assert elapsed(reading(boot=UNSURE), reading(wall=wall, uptime=uptime, boot=UNSURE)) == passed


def test_where_boots_have_no_names_a_wall_clock_before_the_snapshot_is_refused() -> None:
    with pytest.raises(SnapshotTooOldError):
        elapsed(reading(boot=UNSURE), reading(wall=-MINUTE, uptime=BOOTED + HOUR, boot=UNSURE))


def test_everything_in_a_snapshot_ages_and_keeps_ageing() -> None:
    later = reading(wall=HOUR, uptime=MINUTE, boot="b")
    aged = small_snapshot().aged(later)
    assert aged.taken == later
    assert aged.rings[Family.AES].age == MINUTE + HOUR
    assert aged.rings[Family.JWT].age == HOUR
    assert aged.secrets[PATH].age == 2 * MINUTE + HOUR
    again = aged.aged(reading(wall=HOUR + MINUTE, uptime=MINUTE, boot="c"))
    assert again.rings[Family.AES].age == 2 * MINUTE + HOUR


def test_a_reboot_under_a_clock_that_was_set_back_behind_what_was_counted_is_refused() -> None:
    counted = small_snapshot().aged(reading(wall=HOUR, uptime=MINUTE, boot="b"))
    with pytest.raises(SnapshotTooOldError):
        counted.aged(reading(wall=MINUTE, uptime=MINUTE, boot="c"))
