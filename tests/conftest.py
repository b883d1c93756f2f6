"""What every test may ask for, and what watches every test."""

from collections.abc import Iterator

import pytest

from tests.support.infisical.programs import real_binary
from tests.support.infisical.told import told_settings
from tests.support.postgres_server import PostgresServer, programs, running_server

pytest_plugins = ("tests.support.canary.plugin",)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for as long as the tests of this process run."""
    if programs() is None:
        pytest.skip("PostgreSQL is not on this machine")
    with running_server() as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not there to be checked."""
    if real_binary() is None:
        terminalreporter.write_line(
            "not checked: the real Infisical CLI. No 0.42.x is on PATH; its stand-in was checked."
        )
    if programs() is None:
        terminalreporter.write_line("not checked: PostgreSQL. Its programs are not under /usr/lib/postgresql.")
    if told_settings() is None:
        terminalreporter.write_line("not checked: a real Infisical server. None is named; its stand-in was checked.")
