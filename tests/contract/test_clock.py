"""One test per sentence of `ports.clock`, for every adapter."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.ports.clock import Clock

START = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
MOMENT = timedelta(milliseconds=5)
ROUNDING_S = 1e-6
"""A `timedelta` counts microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A clock, and how time passes for it."""

    clock: Clock
    let_pass: Callable[[timedelta], None]


def by_hand() -> Host:
    clock = ManualClock(START)
    return Host(clock=clock, let_pass=clock.pass_time)


def of_the_system() -> Host:
    return Host(clock=SystemClock(), let_pass=lambda duration: time.sleep(duration.total_seconds()))


FACTORIES = (pytest.param(by_hand, id="moved by hand"), pytest.param(of_the_system, id="of the operating system"))


@pytest.fixture(params=FACTORIES)
def host(request: pytest.FixtureRequest) -> Host:
    factory: Callable[[], Host] = request.param
    return factory()


def test_it_is_a_clock(host: Host) -> None:
    assert isinstance(host.clock, Clock)


def test_wall_time_is_aware_and_in_utc(host: Host) -> None:
    assert host.clock.read().wall.utcoffset() == timedelta(0)


def test_a_boot_has_a_name(host: Host) -> None:
    assert host.clock.read().boot


def test_within_one_boot_the_boot_keeps_its_name(host: Host) -> None:
    before = host.clock.read()
    host.let_pass(MOMENT)
    assert host.clock.read().boot == before.boot


def test_within_one_boot_uptime_never_goes_back(host: Host) -> None:
    looks = []
    for _ in range(200):
        looks.append(host.clock.uptime_s())
        host.let_pass(timedelta(microseconds=1))
    assert looks == sorted(looks)


def test_within_one_boot_the_uptime_of_readings_never_goes_back(host: Host) -> None:
    looks = []
    for _ in range(200):
        looks.append(host.clock.read().uptime)
        host.let_pass(timedelta(microseconds=1))
    assert looks == sorted(looks)


def test_uptime_grows_by_the_time_that_passes(host: Host) -> None:
    before_s = host.clock.uptime_s()
    host.let_pass(MOMENT)
    assert host.clock.uptime_s() - before_s >= MOMENT.total_seconds() - ROUNDING_S


def test_a_reading_holds_the_uptime_that_is_read_alone(host: Host) -> None:
    before_s = host.clock.uptime_s()
    read_s = host.clock.read().uptime.total_seconds()
    assert before_s - ROUNDING_S <= read_s <= host.clock.uptime_s() + ROUNDING_S


def test_a_reading_holds_the_wall_time_that_is_read_alone(host: Host) -> None:
    assert host.clock.unix_s() == pytest.approx(host.clock.read().wall.timestamp(), abs=1)


def test_wall_time_counts_from_1970_in_utc() -> None:
    assert ManualClock(datetime(1970, 1, 2, tzinfo=UTC)).unix_s() == 86_400


@pytest.mark.parametrize("step", [timedelta(days=365), timedelta(days=-365)], ids=["a year on", "a year back"])
def test_a_step_of_wall_time_leaves_uptime_and_boot_as_they_were(step: timedelta) -> None:
    clock = ManualClock(START)
    clock.pass_time(MOMENT)
    before = clock.read()
    clock.step_wall(step)
    after = clock.read()
    assert (after.uptime, after.boot) == (before.uptime, before.boot)
    assert after.wall == before.wall + step


def test_a_reboot_names_another_boot_and_uptime_begins_again() -> None:
    clock = ManualClock(START)
    clock.pass_time(MOMENT)
    before = clock.read()
    clock.reboot()
    after = clock.read()
    assert after.boot != before.boot
    assert after.uptime == timedelta(0)
    assert after.wall == before.wall


def test_two_clocks_of_one_process_are_in_the_same_boot() -> None:
    assert SystemClock().read().boot == SystemClock().read().boot


def test_two_clocks_of_one_host_count_the_same_uptime() -> None:
    earlier, later = SystemClock().uptime_s(), SystemClock().uptime_s()
    assert 0 <= later - earlier < 60


def test_wall_time_of_the_system_is_what_python_reads() -> None:
    assert SystemClock().unix_s() == pytest.approx(datetime.now(UTC).timestamp(), abs=60)
