"""What every test may ask for, and what watches every test."""

import pytest

from tests.support.infisical.programs import real_binary
from tests.support.infisical.told import told_settings

pytest_plugins = ("tests.support.canary.plugin",)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not there to be checked."""
    if real_binary() is None:
        terminalreporter.write_line(
            "not checked: the real Infisical CLI. No 0.42.x is on PATH; its stand-in was checked."
        )
    if told_settings() is None:
        terminalreporter.write_line("not checked: a real Infisical server. None is named; its stand-in was checked.")
