"""What becomes of a record in a process of ours, in both forms."""

import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal_keys import events
from journal_keys.entrypoints.log_chain import formatter

JSON, READABLE = formatter(readable=False), formatter(readable=True)
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"


def record(text: str, *args: object, name: str = "sqlalchemy.engine", **more: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, "file.py", 7, text, args, None)
    vars(made).update(more)
    return made


def own(name: str, **fields: object) -> logging.LogRecord:
    return record("for hosts", name=events.LOGGER, event_name=name, event_fields=fields)


def parsed(one: logging.LogRecord) -> dict[str, Any]:
    line = JSON.format(one)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def failed(text: str) -> logging.LogRecord:
    """A record with an exception that was caused by another, below frames with a local variable."""
    made = record("it broke")

    def inner(local: str) -> None:
        raise ValueError(f"{text}\nin two lines\x1b[31m" if local else "")

    def outer(local: str) -> None:
        try:
            inner(local)
        except ValueError as error:
            raise RuntimeError("outer") from error

    try:
        outer("a-local-variable-of-" + "the-frame")
    except RuntimeError:
        made.exc_info = sys.exc_info()
    return made


def test_a_record_of_ours_is_one_object_with_its_fields() -> None:
    found = parsed(own("rotation_done", ring="jwt", kid="jwt_a", generation=2, request_id="0f"))
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "level": "warning",
        "logger": "journal_keys",
        "event": "rotation_done",
        "ring": "jwt",
        "kid": "jwt_a",
        "generation": 2,
        "request_id": "0f",
    }


@pytest.mark.parametrize("name", ["uvicorn.error", "sqlalchemy.pool", "alembic", "asyncio", "py.warnings"])
def test_a_record_of_another_logger_is_its_message_with_the_ids_that_are_bound(name: str) -> None:
    with events.bound(request_id="0f"):
        found = parsed(record("took %d ms of %s", 7, "time", name=name))
    assert (found["logger"], found["event"], found["request_id"]) == (name, "took 7 ms of time", "0f")


def test_what_else_stands_in_a_record_is_not_shown() -> None:
    for one in (record("plain", password="hunter2"), record("plain", name=events.LOGGER, password="hunter2")):
        assert "hunter2" not in JSON.format(one)
        assert "hunter2" not in READABLE.format(one)


@pytest.mark.parametrize("chain", [JSON, READABLE], ids=["json", "readable"])
def test_no_secret_comes_out_of_a_message_a_field_an_exception_or_its_cause(chain: logging.Formatter) -> None:
    noted = failed(TOKEN)
    assert noted.exc_info is not None
    assert isinstance(noted.exc_info[1], RuntimeError)
    noted.exc_info[1].add_note(TOKEN)
    for one in (record("refused %s", TOKEN), own("probed", error=TOKEN, deep=[{"in": (TOKEN,)}]), noted):
        text = chain.format(one)
        assert TOKEN not in text
        assert "[redacted]" in text


def test_json_has_tracebacks_without_locals() -> None:
    text = JSON.format(failed("why"))
    assert "a-local-variable" not in text
    outer, inner = json.loads(text)["exception"]
    assert (outer["exc_type"], inner["exc_type"]) == ("RuntimeError", "ValueError")
    assert inner["exc_value"] == "why\\nin two lines\\x1b[31m"
    assert [frame["name"] for frame in inner["frames"]] == ["outer", "inner"]
    assert {key for stack in (outer, inner) for frame in stack["frames"] for key in frame} == {
        "filename",
        "lineno",
        "name",
    }


def test_a_terminal_has_tracebacks_without_locals_though_rich_is_there() -> None:
    import rich

    assert rich
    text = READABLE.format(failed("why"))
    assert "a-local-variable" not in text
    first, *below = text.splitlines()
    assert "it broke" in first
    assert "    ValueError: why\\nin two lines\\x1b[31m" in below
    assert any("in inner" in line for line in below)
    assert all(line.startswith("    ") for line in below), "no line of an exception looks like an event"


def test_a_group_of_exceptions_is_told_with_its_members() -> None:
    made = record("it broke")
    error = ExceptionGroup("two", [ValueError(TOKEN), KeyError("b")])
    made.exc_info = (ExceptionGroup, error, None)
    text = READABLE.format(made)
    assert "KeyError: 'b'" in text
    assert "ValueError: [redacted]" in text


TEXTS = st.text(st.characters(), min_size=1, max_size=40)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_no_text_splits_a_line_or_reaches_a_terminal_as_it_is(text: str, other: str) -> None:
    for one in (record("%s", text), own(text, error=other), own("probed", field=other + text)):
        for line in (JSON.format(one), READABLE.format(one)):
            bare = line.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[2m", "")
            for number in range(30, 38):
                bare = bare.replace(f"\x1b[{number}m", "")
            assert bare.isprintable(), repr(bare)


def test_an_identifier_stays_and_a_key_does_not() -> None:
    text = "K" + "eyOfSomebody" * 5
    found = parsed(own("probed", kid=text, error=text))
    assert (found["kid"], found["error"]) == (text, "[redacted]")
