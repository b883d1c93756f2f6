"""Lines of the log in a file: appended whole, in the file that the name stands for, and never in anybody's way."""

import json
import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from journal_keys.entrypoints.log_lines import FileHandler, LineHandler


class Opened:
    """A handler on a file, and the failures that it told of."""

    def __init__(self, file: Path) -> None:
        self.failures: list[OSError] = []
        self.handler = FileHandler(file, self.failures.append)

    def log(self, text: str, *args: object) -> None:
        self.handler.handle(logging.LogRecord("any", logging.INFO, "", 0, text, args, None))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    made = Opened(tmp_path / "the.log")
    yield made
    made.handler.close()


def test_lines_are_appended_to_a_file_of_the_owner_alone(tmp_path: Path, opened: Opened) -> None:
    file = tmp_path / "the.log"
    opened.log("one")
    again = Opened(file)
    again.log("two")
    opened.log("three")
    again.handler.close()
    assert file.read_text() == "one\ntwo\nthree\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_was_moved_is_written_until_it_is_opened_anew(tmp_path: Path, opened: Opened) -> None:
    file, moved = tmp_path / "the.log", tmp_path / "the.log.1"
    opened.log("one")
    file.rename(moved)
    opened.log("two")
    assert opened.handler.reopen()
    opened.log("three")
    assert (moved.read_text(), file.read_text()) == ("one\ntwo\n", "three\n")


def test_opening_anew_leaves_no_descriptor_behind(opened: Opened) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        assert opened.handler.reopen()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_folder_that_is_gone_is_told_of_and_the_old_file_is_written_on(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    opened = Opened(folder / "the.log")
    folder.rename(tmp_path / "elsewhere")
    assert not opened.handler.reopen()
    opened.log("one")
    opened.handler.close()
    assert [type(failure) for failure in opened.failures] == [FileNotFoundError]
    assert (tmp_path / "elsewhere" / "the.log").read_text() == "one\n"


def test_a_full_disk_is_told_of_once_and_again_after_it_had_room(tmp_path: Path) -> None:
    link = tmp_path / "the.log"
    link.symlink_to("/dev/full")
    opened = Opened(link)
    for _ in range(3):
        opened.log("lost")
    assert [failure.strerror for failure in opened.failures] == ["No space left on device"]
    link.unlink()
    assert opened.handler.reopen()
    opened.log("kept")
    assert link.read_text() == "kept\n"
    link.unlink()
    link.symlink_to("/dev/full")
    assert opened.handler.reopen()
    opened.log("lost")
    opened.handler.close()
    assert len(opened.failures) == 2


def test_a_message_that_does_not_fit_its_arguments_is_a_line_all_the_same(tmp_path: Path, opened: Opened) -> None:
    opened.log("%d of %d", "hunter2")
    (line,) = (tmp_path / "the.log").read_text().splitlines()
    found = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", found.pop("timestamp"))
    assert found == {"level": "info", "logger": "any", "event": "log_record_unreadable", "error": "TypeError"}


def test_a_line_behind_one_that_was_torn_begins_a_line(tmp_path: Path) -> None:
    """A pipe takes a part of a line and no more: what comes after it, once there is room, is not glued to it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    opened = Opened(pipe)
    opened.log("x" * 100_000)
    taken = os.read(reader, 100_000)
    opened.log("whole")
    assert len(taken) < 100_000
    assert os.read(reader, 100_000) == b"\nwhole\n"
    opened.handler.close()
    os.close(reader)


def test_a_reader_that_is_gone_ends_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    handler = LineHandler(writer)
    os.close(reader)
    for _ in range(2):
        handler.handle(logging.LogRecord("any", logging.INFO, "", 0, "lost", (), None))
    os.close(writer)
    assert isinstance(handler.failure, BrokenPipeError)
    assert capfd.readouterr().err == ""


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such device or address"):
        FileHandler(tmp_path / "pipe", lambda _: None)
