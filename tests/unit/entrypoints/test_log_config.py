"""Where the logs of a process of ours go, and that an application with the library keeps its own set-up."""

import json
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from journal_keys import events
from journal_keys.entrypoints import log_config
from journal_keys.entrypoints.facade import InfisicalSecretsClient
from journal_keys.entrypoints.log_lines import LineHandler
from journal_keys.entrypoints.settings import Settings, SettingsError
from tests.support.embedded import make_rings, settings_in

OTHERS = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "sqlalchemy.engine",
    "alembic.runtime",
    "asyncio",
    "py.warnings",
)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Leave the logging of this process as it was."""
    names = ("", events.LOGGER, *OTHERS, "sqlalchemy", "alembic")
    loggers = [logging.getLogger(name) for name in names]
    before = [(one, one.level, one.propagate, list(one.handlers)) for one in loggers]
    shower, on_hangup = warnings.showwarning, signal.getsignal(signal.SIGHUP)
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    for handler in [one for one in logging.getLogger().handlers if isinstance(one, LineHandler)]:
        handler.close()
    for logger, level, propagates, handlers in before:
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagates, handlers
    logging.captureWarnings(capture=False)
    warnings.showwarning = shower
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    signal.signal(signal.SIGHUP, on_hangup)


def settings(**changes: Any) -> Settings:  # noqa: ANN401 (of any setting)
    return Settings(**changes)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_logger_of_the_service_goes_through_one_chain(capfd: pytest.CaptureFixture[str]) -> None:
    log_config.log_service(settings())
    events.SERVICE_STARTED.tell(address="http://127.0.0.1:8000")
    for name in OTHERS:
        logging.getLogger(name).warning("from\n%s", name)
    told = lines(capfd.readouterr().err)
    assert [(one["logger"], one["event"]) for one in told] == [
        ("journal_keys", "service_started"),
        *((name, f"from\\n{name}") for name in OTHERS),
    ]


def test_warnings_of_python_are_logged(capfd: pytest.CaptureFixture[str]) -> None:
    log_config.log_service(settings())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("password=hunter2", UserWarning, stacklevel=1)
    (told,) = lines(capfd.readouterr().err)
    assert told["logger"] == "py.warnings"
    assert "UserWarning: password=[redacted]" in told["event"]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_the_level_counts_for_our_logger_and_others_begin_at_warning(
    level: str, capfd: pytest.CaptureFixture[str]
) -> None:
    log_config.log_service(settings(journal_log_level=level))
    number = logging.getLevelName(level)
    for event in (events.SECRET_FETCHED, events.SECRET_STORED, events.NO_VIEWS, events.NO_TOKEN_IS_KNOWN):
        event.tell(path="/a/b")
        logging.getLogger("uvicorn.error").log(event.level, "other")
    found = [(one["logger"], one["level"]) for one in lines(capfd.readouterr().err)]
    names = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error"}
    assert [told for logger, told in found if logger == events.LOGGER] == [
        name for one, name in names.items() if one >= number
    ]
    assert [told for logger, told in found if logger != events.LOGGER] == [
        name for one, name in names.items() if one >= max(number, logging.WARNING)
    ]


@pytest.mark.parametrize(
    ("said", "shown"), [({}, ["warning"]), ({"journal_log_level": "info"}, ["info", "warning"])], ids=["silent", "info"]
)
def test_a_command_shows_warnings_where_no_level_is_said(
    said: dict[str, str], shown: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    log_config.log_command(settings(**said))
    events.SECRET_STORED.tell(path="/a/b")
    events.NO_VIEWS.tell(error="gone")
    assert [one["level"] for one in lines(capfd.readouterr().err)] == shown


def test_a_file_gets_what_standard_error_gets_and_is_opened_anew_on_sighup(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "journal.log"
    log_config.log_service(settings(journal_log_file=file))
    events.NO_VIEWS.tell(error="one")
    file.rename(tmp_path / "journal.log.1")
    signal.raise_signal(signal.SIGHUP)
    events.NO_VIEWS.tell(error="two")
    before, after = (lines(path.read_text()) for path in (tmp_path / "journal.log.1", file))
    assert [one["event"] for one in before + after] == ["no_views", "log_file_reopened", "no_views"]
    assert lines(capfd.readouterr().err) == before + after


def test_without_a_file_sighup_means_what_it_meant(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGHUP)
    log_config.log_service(settings())
    assert signal.getsignal(signal.SIGHUP) == before
    assert not log_config.has_log_file()
    assert capfd.readouterr().err == ""


def test_a_file_that_cannot_be_opened_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"JOURNAL_LOG_FILE: .*/no/journal\.log cannot be opened: No such file"):
        log_config.log_service(settings(journal_log_file=tmp_path / "no" / "journal.log"))


def test_a_full_disk_is_told_of_on_standard_error_once_and_stops_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    log_config.log_service(settings(journal_log_file="/dev/full"))
    for _ in range(3):
        events.NO_VIEWS.tell(error="gone")
    told = lines(capfd.readouterr().err)
    assert [one["event"] for one in told].count("log_file_failed") == 1
    assert [one["event"] for one in told].count("no_views") == 3
    failure = next(one for one in told if one["event"] == "log_file_failed")
    assert (failure["file"], failure["error"]) == ("/dev/full", "No space left on device")


@pytest.mark.parametrize("value", ["LOUD", "", "10"])
def test_a_level_that_is_none_is_a_wrong_setting(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_LOG_LEVEL", value)
    with pytest.raises(SettingsError, match=r"JOURNAL_LOG_LEVEL: .*expected one of DEBUG, INFO, WARNING, ERROR"):
        Settings.from_environment()


def test_an_empty_log_file_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_LOG_FILE", "")
    with pytest.raises(SettingsError, match=r"JOURNAL_LOG_FILE: .*is empty"):
        Settings.from_environment()


async def test_an_application_with_the_library_keeps_its_own_set_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("", events.LOGGER, *OTHERS)
    before = [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names]
    shower = warnings.showwarning
    await make_rings(chosen := settings_in(tmp_path))
    async with InfisicalSecretsClient(chosen) as client:
        await client.store_secret("/application/some_secret", "hunter2hunter2")
        assert await client.fetch_secret("/application/some_secret") == "hunter2hunter2"
    assert [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names] == before
    assert warnings.showwarning is shower
    assert all(record.name == events.LOGGER for record in caplog.records if "journal_keys" in record.pathname)


async def test_an_application_sees_a_readable_message_with_the_fields(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await make_rings(chosen := settings_in(tmp_path))
    caplog.set_level(logging.DEBUG, logger=events.LOGGER)
    async with InfisicalSecretsClient(chosen) as client:
        await client.store_secret("/application/some_secret", "hunter2hunter2")
        await client.fetch_secret("/application/some_secret")
    assert "secret_stored path=/application/some_secret" in caplog.messages
    wanted = "secret_fetched path=/application/some_secret source=store took_ms="
    assert [message.startswith(wanted) for message in caplog.messages].count(True) == 1
    assert "hunter2" not in caplog.text
