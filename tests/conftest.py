"""What every test may ask for, and what watches every test."""

import signal
from collections.abc import Generator, Iterator
from contextlib import nullcontext

import pytest
from redis import Redis

from tests.support import age_binary, chromium_binary, prometheus_programs, redis_server
from tests.support.infisical.programs import real_binary
from tests.support.infisical.told import told_settings
from tests.support.measuring import unmeasured
from tests.support.postgres_server import PostgresServer, programs, running_server
from tests.support.redis_commands import is_of_5_0, seen_by
from tests.support.redis_server import RedisServer

pytest_plugins = ("tests.support.canary.plugin", "tests.support.naps")


def pytest_configure() -> None:
    """Have SIGINT mean something: a script's background jobs ignore it, and so would every program that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Leave processes unmeasured where the test is."""
    with unmeasured() if item.get_closest_marker("no_cover") else nullcontext():
        return (yield)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for as long as the tests of this process run."""
    if programs() is None:
        pytest.skip("PostgreSQL is not on this machine")
    with running_server() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test alone, to be stopped and killed."""
    if programs() is None:
        pytest.skip("PostgreSQL is not on this machine")
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def redis_of_this_run() -> Iterator[RedisServer]:
    """A Redis that `shared_redis` hands on from test to test.

    At the end no command may have been seen that Redis 5.0 lacks, be it from a test or from a script.
    """
    if redis_server.BINARY is None:
        pytest.skip(redis_server.NOT_CHECKED)
    with RedisServer() as started:
        yield started
        newer = sorted(name for name in seen_by(started) if not is_of_5_0(name))
        assert not newer, f"Redis 5.0 has no {', '.join(newer)}"


@pytest.fixture
def shared_redis(redis_of_this_run: RedisServer) -> RedisServer:
    """A Redis with nothing in it; who asks for it leaves its configuration as it was."""
    with Redis.from_url(redis_of_this_run.url, protocol=2, driver_info=None) as client:
        client.flushall()
    return redis_of_this_run


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis of this test alone, to be stopped, frozen and configured."""
    if redis_server.BINARY is None:
        pytest.skip(redis_server.NOT_CHECKED)
    with RedisServer() as started:
        yield started


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not there to be checked."""
    if real_binary() is None:
        terminalreporter.write_line(
            "not checked: the real Infisical CLI. No 0.42.x is on PATH; its stand-in was checked."
        )
    if programs() is None:
        terminalreporter.write_line("not checked: PostgreSQL. Its programs are not under /usr/lib/postgresql.")
    if redis_server.BINARY is None:
        terminalreporter.write_line(redis_server.NOT_CHECKED)
    if age_binary.BINARY is None:
        terminalreporter.write_line(age_binary.NOT_CHECKED)
    if prometheus_programs.PROMTOOL is None or prometheus_programs.PROMETHEUS is None:
        terminalreporter.write_line(prometheus_programs.NOT_CHECKED)
    if not chromium_binary.IS_HERE:
        terminalreporter.write_line(chromium_binary.NOT_CHECKED)
    if told_settings() is None:
        terminalreporter.write_line("not checked: a real Infisical server. None is named; its stand-in was checked.")
