"""What is logged: every event by its constant name, with its level and the only fields that it may have.

Records go to the logger `journal_keys` of the standard library, as a readable line and, in `event_name` and
`event_fields`, apart. They hold no exception and no object: whatever a host application's handlers do with a record,
they find no secret and no local variable in it.
"""

import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from logging import CRITICAL, DEBUG, ERROR, INFO, WARNING
from typing import Final

from journal_keys.domain.redaction import shown

LOGGER: Final = "journal_keys"
IDENTIFIERS: Final = frozenset({"kid", "old_kid", "active_kid", "request_id", "rotation_id"})
"""Fields that may hold a long name; in all others what is as long as a key is taken for one."""
_LOG: Final = logging.getLogger(LOGGER)
_TOLD_BARE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+-,;[]()<>*")
_BOUND: ContextVar[Mapping[str, str]] = ContextVar("journal_keys.bound", default={})  # noqa: B039 (nobody changes it)


class Event:
    """One kind of record. `tell` costs a look at the level where it is not wanted."""

    def __init__(self, name: str, level: int, *fields: str) -> None:
        self.name = name
        self.level = level
        self.fields = frozenset(fields)

    def tell(self, **fields: object) -> None:
        """Log it; of fields, those that it may have and that are not None."""
        if _LOG.isEnabledFor(self.level):
            told = {name: value for name, value in fields.items() if name in self.fields and value is not None}
            kept = {name: _plain(name, value) for name, value in {**told, **_BOUND.get()}.items()}
            _LOG.log(
                self.level,
                readable(self.name, kept),
                extra={"event_name": self.name, "event_fields": kept},
                stacklevel=2,
            )


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Have these ids in every record of what is done inside, by this task and by those that it starts."""
    token = _BOUND.set({**_BOUND.get(), **ids})
    try:
        yield
    finally:
        _BOUND.reset(token)


def bound_ids() -> Mapping[str, str]:
    """Give the ids that are bound here, as they were given: who shows them, cleans them."""
    return _BOUND.get()


def trace_of(error: BaseException) -> str:
    """Say where an exception comes from, the innermost place first; no text of it, and no variable."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames)


def readable(name: str, fields: Mapping[str, object]) -> str:
    """Give one line: the name, then `field=value`, in quotes where the value is not a plain word."""
    return " ".join((name, *(f"{field}={_word(str(value))}" for field, value in fields.items())))


def _plain(name: str, value: object) -> str | int | float:
    if isinstance(value, int | float):
        return value
    return shown(str(value), is_identifier=name in IDENTIFIERS)


def _word(text: str) -> str:
    if text and _TOLD_BARE.issuperset(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


SECRET_FETCHED: Final = Event("secret_fetched", DEBUG, "path", "source", "took_ms")
CACHE_FORGOTTEN: Final = Event("cache_forgotten", DEBUG, "prefix", "values")
STORE_CALL_RETRIED: Final = Event("store_call_retried", DEBUG, "retry", "error")

READY_AGAIN: Final = Event("ready_again", INFO)
SERVICE_STARTED: Final = Event("service_started", INFO, "address")
LOG_FILE_REOPENED: Final = Event("log_file_reopened", INFO, "file")
ROTATION_DONE: Final = Event(
    "rotation_done", INFO, "ring", "kid", "old_kid", "generation", "method", "rotation_id", "unfinished"
)
ROTATION_CHECKED: Final = Event("rotation_checked", INFO, "ring", "outcome")
KEY_COMPROMISED: Final = Event("key_compromised", INFO, "ring", "kid", "active_kid", "generation")
RING_RECONCILED: Final = Event("ring_reconciled", INFO, "ring", "repairs")
SECRET_STORED: Final = Event("secret_stored", INFO, "path")
STORE_LOGIN_DONE: Final = Event("store_login_done", INFO)
REDIS_ANSWERS_AGAIN: Final = Event("redis_answers_again", INFO)
WEBHOOK_TAKEN: Final = Event("webhook_taken", INFO, "change", "folder")
WEBHOOK_ROTATION_CHECKED: Final = Event("webhook_rotation_checked", INFO, "ring", "outcome")

NOT_READY: Final = Event("not_ready", WARNING, "because")
VIEWS_RESTORED: Final = Event("views_restored", WARNING, "snapshot", "confirmed_at", "age_s")
NO_VIEWS: Final = Event("no_views", WARNING, "error")
STALE_SECRET_SERVED: Final = Event("stale_secret_served", WARNING, "path", "age_s", "error")
USAGE_NOT_REPORTED: Final = Event("usage_not_reported", WARNING, "error")
BACKGROUND_STEP_FAILED: Final = Event("background_step_failed", WARNING, "step", "error")
REDIS_AWAY: Final = Event("redis_away", WARNING, "why")
REDIS_FORGETTING_IS_OWED: Final = Event("redis_forgetting_is_owed", WARNING, "why")
STORE_BUDGET_SPENT: Final = Event("store_budget_spent", WARNING, "wait_s", "requests_per_minute")
WEBHOOK_UNUSABLE: Final = Event("webhook_unusable", WARNING, "error")
CALL_REFUSED: Final = Event("call_refused", WARNING, "actor", "route", "status", "requests")
CALL_CUT_SHORT: Final = Event("call_cut_short", WARNING, "actor")
NO_ADMIN_TOKEN: Final = Event("no_admin_token", WARNING, "error")
ADMIN_PLANE_OFF: Final = Event("admin_plane_off", WARNING, "because")
WORKER_KILLED: Final = Event("worker_killed", WARNING, "pid", "within_s")
WORKER_NOT_STARTED: Final = Event("worker_not_started", WARNING, "pid", "again_in_s")
BACKUP_NEARLY_TOO_LARGE: Final = Event("backup_nearly_too_large", WARNING, "backup", "bytes", "most_bytes")
SERVICE_CUT_OFF: Final = Event("service_cut_off", WARNING, "within_s")

ROTATION_FAILED: Final = Event("rotation_failed", ERROR, "ring", "method", "rotation_id", "error")
BACKGROUND_WORK_FAILED: Final = Event("background_work_failed", ERROR, "step", "error")
BACKGROUND_STEP_BROKEN: Final = Event("background_step_broken", ERROR, "step", "error", "trace")
SECRET_FETCH_FAILED: Final = Event("secret_fetch_failed", ERROR, "path", "error")
SECRET_NOT_STORED: Final = Event("secret_not_stored", ERROR, "path", "error")
STORE_LOGIN_REFUSED: Final = Event("store_login_refused", ERROR, "error")
STORE_TOKEN_REFUSED: Final = Event("store_token_refused", ERROR)
REDIS_NAMESPACE_IS_ANOTHERS: Final = Event("redis_namespace_is_anothers", ERROR, "prefix", "expected")
AUDIT_CHAIN_BROKEN: Final = Event("audit_chain_broken", ERROR, "error")
ADMIN_CALL_NOT_AUDITED: Final = Event("admin_call_not_audited", ERROR, "error")
NO_TOKEN_IS_KNOWN: Final = Event("no_token_is_known", ERROR, "error")
REQUEST_BROKEN: Final = Event("request_broken", ERROR, "route", "error", "trace")
WEBHOOK_REFUSED: Final = Event("webhook_refused", ERROR, "error")
WEBHOOK_FAILED: Final = Event("webhook_failed", ERROR, "error")
WEBHOOK_NOT_COUNTED: Final = Event("webhook_not_counted", ERROR, "error")
WEBHOOK_ROTATION_FAILED: Final = Event("webhook_rotation_failed", ERROR, "ring", "error")
CALL_NOT_AUTHENTICATED: Final = Event("call_not_authenticated", ERROR, "actor", "route", "status", "requests")
LOG_FILE_FAILED: Final = Event("log_file_failed", ERROR, "file", "error")

NOT_CAUGHT: Final = Event("not_caught", CRITICAL, "where", "error", "trace")

EVENTS: Final = {event.name: event for event in tuple(globals().values()) if isinstance(event, Event)}
