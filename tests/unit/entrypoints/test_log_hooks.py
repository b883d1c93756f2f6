"""What nobody caught is told in one line of the log, without a local variable and without a secret."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
BEGIN = f"""
import gc, sys, threading
from journal_keys.entrypoints.log_config import log_command
from journal_keys.entrypoints.settings import Settings
log_command(Settings())
def broken(*_):
    local = "a-local-" + "variable"
    raise ValueError("{TOKEN}\\nin two lines")
class Last:
    def __del__(self):
        broken()
"""


def run(end: str) -> tuple[int, str]:
    """Run a program whose logs go the way of a command's, with a pipe for standard error."""
    ended = subprocess.run([sys.executable, "-c", BEGIN + end], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


def told(text: str) -> dict[str, Any]:
    (line,) = text.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize(
    ("end", "where", "code"),
    [
        ("broken()", "the process", 1),
        (
            "thread = threading.Thread(target=broken, name='lifeline'); thread.start(); thread.join()",
            "the thread lifeline",
            0,
        ),
        ("Last(); gc.collect()", "exception ignored in Last.__del__", 0),
    ],
    ids=["of the process", "of a thread", "that could not be raised"],
)
def test_an_exception_is_one_line_without_secrets(end: str, where: str, code: int) -> None:
    status, text = run(end)
    found = told(text)
    assert status == code
    assert (found["level"], found["event"], found["where"]) == ("critical", "not_caught", where)
    assert found["error"] == "ValueError: [redacted]\\nin two lines"
    assert found["trace"].startswith("<string>:8 broken")
    assert "variable" not in text


@pytest.mark.parametrize(
    "end",
    ["sys.exit(3)", "thread = threading.Thread(target=sys.exit); thread.start(); thread.join(); sys.exit(3)"],
    ids=["of the process", "of a thread"],
)
def test_an_end_that_was_meant_is_not_told(end: str) -> None:
    assert run(end) == (3, "")


def test_an_interrupt_is_what_it_is_everywhere() -> None:
    status, text = run("raise KeyboardInterrupt")
    assert (status, text.splitlines()[-1]) == (-2, "KeyboardInterrupt")


def test_what_it_was_caused_by_is_told_with_it() -> None:
    begin = "try: broken()\nexcept ValueError as error: raise RuntimeError('outer') from error"
    found = told(run(begin)[1])
    assert found["error"] == "RuntimeError: outer from ValueError: [redacted]\\nin two lines"
    assert found["trace"].startswith("<string>:13 <module> from <string>:8 broken")


def test_no_level_is_so_high_that_the_end_of_a_process_is_not_told() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", BEGIN + "broken()"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"JOURNAL_LOG_LEVEL": "CRITICAL"},
    )
    assert told(ended.stderr)["event"] == "not_caught"


def test_at_the_end_of_the_interpreter_it_is_one_line_too() -> None:
    status, text = run("last = Last()")
    assert (status, "Traceback" in text, TOKEN in text) == (0, False, False)
    assert told(text)["event"] == "not_caught"
    assert told(text)["error"].startswith("ValueError")
