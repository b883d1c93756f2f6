"""What is logged: a closed set of events, each with its level and its fields, for whoever listens."""

import ast
import asyncio
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

import journal_keys
from journal_keys import events
from journal_keys.events import EVENTS, Event, bound, bound_ids, readable, trace_of

SOURCE = Path(journal_keys.__file__).parent
DEBUG = {"secret_fetched", "cache_forgotten", "store_call_retried"}
INFO = {
    "ready_again",
    "service_started",
    "log_file_reopened",
    "rotation_done",
    "rotation_checked",
    "key_compromised",
    "ring_reconciled",
    "secret_stored",
    "store_login_done",
    "redis_answers_again",
    "webhook_taken",
    "webhook_rotation_checked",
}
WARNING = {
    "not_ready",
    "views_restored",
    "no_views",
    "stale_secret_served",
    "usage_not_reported",
    "background_step_failed",
    "redis_away",
    "redis_forgetting_is_owed",
    "store_budget_spent",
    "webhook_unusable",
    "call_refused",
    "call_cut_short",
    "no_admin_token",
    "admin_plane_off",
    "worker_killed",
    "worker_not_started",
    "backup_nearly_too_large",
    "service_cut_off",
}
ERROR = {
    "rotation_failed",
    "background_work_failed",
    "background_step_broken",
    "secret_fetch_failed",
    "secret_not_stored",
    "store_login_refused",
    "store_token_refused",
    "redis_namespace_is_anothers",
    "audit_chain_broken",
    "admin_call_not_audited",
    "no_token_is_known",
    "request_broken",
    "webhook_failed",
    "webhook_not_counted",
    "webhook_rotation_failed",
    "log_file_failed",
    "webhook_refused",
    "call_not_authenticated",
}
CRITICAL = {"not_caught"}
"""Told whatever the level is: without it nothing would say why a process has ended."""


def test_levels_are_those_of_the_guide() -> None:
    """DEBUG: cache operations, retry attempts. INFO: successful operations, key rotations. WARNING: fallbacks,
    validation issues. ERROR: operation failures, authentication errors.
    """
    expected = {
        logging.DEBUG: DEBUG,
        logging.INFO: INFO,
        logging.WARNING: WARNING,
        logging.ERROR: ERROR,
        logging.CRITICAL: CRITICAL,
    }
    assert {name: event.level for name, event in EVENTS.items()} == {
        name: level for level, names in expected.items() for name in names
    }


def told() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `tell` in the source, with where it is."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tell":
                yield f"{file.name}:{node.lineno}", node


def event_of(call: ast.Call) -> Event | None:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    found = getattr(events, owner.attr, None) if isinstance(owner, ast.Attribute) else None
    return found if isinstance(found, Event) else None


def test_every_call_gives_fields_that_its_event_may_have() -> None:
    wrong = [
        f"{where}: {keyword.arg}"
        for where, call in told()
        if (event := event_of(call))
        for keyword in call.keywords
        if keyword.arg is not None and keyword.arg not in event.fields
    ]
    assert not wrong


def test_every_event_is_named_somewhere() -> None:
    text = "\n".join(file.read_text("utf-8") for file in SOURCE.rglob("*.py") if file.name != "events.py")
    names = {name for name, value in vars(events).items() if isinstance(value, Event)}
    assert not {name for name in names if f"events.{name}" not in text}


def test_nothing_is_logged_in_another_way() -> None:
    others = [
        file.name
        for file in SOURCE.rglob("*.py")
        if file.name not in {"events.py", "log_config.py", "log_chain.py", "log_lines.py"}
        and "logging" in {alias.name for node in ast.walk(ast.parse(file.read_text())) for alias in names_of(node)}
    ]
    assert not others


def names_of(node: ast.AST) -> list[ast.alias]:
    if isinstance(node, ast.ImportFrom):
        return [ast.alias(node.module or "")]
    return node.names if isinstance(node, ast.Import) else []


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger=events.LOGGER)
    return caplog


PROBE = Event("probed", logging.INFO, "ring", "error", "kid", "number")


def test_a_field_that_is_not_named_is_dropped(log: pytest.LogCaptureFixture) -> None:
    PROBE.tell(ring="jwt", password="hunter2")
    assert log.messages == ["probed ring=jwt"]
    assert vars(log.records[0])["event_fields"] == {"ring": "jwt"}
    assert "hunter2" not in repr(vars(log.records[0]))


def test_what_is_not_wanted_is_not_made(log: pytest.LogCaptureFixture) -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError("nobody wants it")

    log.set_level(logging.WARNING, logger=events.LOGGER)
    PROBE.tell(ring=Costly())
    assert log.messages == []


def test_a_secret_in_a_field_is_not_shown(log: pytest.LogCaptureFixture) -> None:
    token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
    PROBE.tell(ring=[{"deep": token}], error=ValueError(f"refused {token}"), kid=token)
    assert token not in repr(vars(log.records[0]))
    assert log.messages[0].count("[redacted]") == 3


def test_a_record_holds_neither_exception_nor_object(log: pytest.LogCaptureFixture) -> None:
    PROBE.tell(error=ValueError("no"), number=3)
    record = log.records[0]
    assert (record.exc_info, record.stack_info, record.args) == (None, None, ())
    assert vars(record)["event_fields"] == {"error": "no", "number": 3}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "field=plain"),
        ("two words", 'field="two words"'),
        ("x kid=forged", 'field="x kid=forged"'),
        ('a "quote" and \\', r'field="a \"quote\" and \\"'),
        ("", 'field=""'),
        (7, "field=7"),
    ],
)
def test_no_value_looks_like_another_field(value: object, expected: str) -> None:
    assert readable("event", {"field": value}) == f"event {expected}"


async def test_ids_are_bound_inside_and_cleared_behind_and_requests_at_once_do_not_mix(
    log: pytest.LogCaptureFixture,
) -> None:
    both = asyncio.Barrier(2)

    async def request(number: str) -> None:
        with bound(request_id=number):
            await both.wait()
            PROBE.tell(ring=number)
            with bound(rotation_id=f"r{number}"):
                await both.wait()
                await asyncio.create_task(later(number))
            PROBE.tell(kid=number)

    async def later(number: str) -> None:
        PROBE.tell(error=number)

    await asyncio.gather(request("1"), request("2"))
    PROBE.tell(ring="after")
    assert bound_ids() == {}
    assert sorted(log.messages) == [
        "probed error=1 request_id=1 rotation_id=r1",
        "probed error=2 request_id=2 rotation_id=r2",
        "probed kid=1 request_id=1",
        "probed kid=2 request_id=2",
        "probed ring=1 request_id=1",
        "probed ring=2 request_id=2",
        "probed ring=after",
    ]


def test_a_bound_id_ends_no_line(log: pytest.LogCaptureFixture) -> None:
    with bound(rotation_id="a\nb"):
        PROBE.tell()
    assert log.messages == [r'probed rotation_id="a\\nb"']


def test_a_trace_says_where_and_nothing_else() -> None:
    secret = "hunter2"
    try:
        int(secret)
    except ValueError as error:
        told_of = trace_of(error)
    assert told_of.startswith("test_events.py:")
    assert told_of.endswith("test_a_trace_says_where_and_nothing_else")
    assert secret not in told_of


def test_the_handlers_of_a_host_application_show_a_readable_line() -> None:
    shown = StringIO()
    handler = logging.StreamHandler(shown)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s at %(filename)s"))
    logger = logging.getLogger(events.LOGGER)
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        PROBE.tell(ring="100 %s", error=OSError("gone\x1b[31m"))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    expected = r'INFO:journal_keys:probed ring="100 %s" error="gone\\x1b[31m" at test_events.py'
    assert shown.getvalue() == expected + "\n"
