"""By what figures are told apart: closed sets, so that no caller makes series without end."""

from typing import Final

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.paths import BACKED_UP, KNOWN_SECRETS, PROJECTION_NAMES, SecretPath, owned_folders
from journal_keys.domain.webhooks import (
    CHANGES,
    TEST,
    AlreadySeen,
    Ignored,
    Taken,
    WebhookOutcome,
    WebhookRefusedError,
    WebhookUnusableError,
)

OTHER: Final = "other"
_PACKAGE: Final = __name__.partition(".")[0]
PATHS: Final = frozenset(
    str(path)
    for path in (
        *KNOWN_SECRETS,
        *BACKED_UP,
        *(folder for family in PROJECTION_NAMES for folder in owned_folders(family)),
    )
)
"""The known tree: its secrets, and the folders that are read whole."""
_METHODS: Final = {
    "application": "application",
    "http": "api",
    "operator": "operator",
    "scheduler": "scheduler",
    "webhook": "webhook",
}
METHODS: Final = frozenset({*_METHODS.values(), OTHER})
NONE: Final = "none"
EVENTS: Final = CHANGES | {
    TEST,
    "secrets.rotation-failed",
    "secrets.reminder-expired",
    "secrets.change-request.modified",
    "secrets.access-request.modified",
    "honey-token.triggered",
    OTHER,
    NONE,
}
"""What is told apart of what servers send; `none` where the event was not read, or is not to be believed."""
_STATUSES: Final[dict[type, str]] = {
    Taken: "taken",
    AlreadySeen: "already_seen",
    Ignored: "ignored",
    WebhookRefusedError: "refused",
    WebhookUnusableError: "unusable",
}
FAILED: Final = "failed"
STATUSES: Final = frozenset({*_STATUSES.values(), FAILED})
REFUSALS: Final = tuple(
    (NONE, status) for status in (_STATUSES[WebhookRefusedError], _STATUSES[WebhookUnusableError], FAILED)
)
"""What a delivery is counted under that was believed by nobody, or of which that could not be found out."""


def path_label(path: SecretPath) -> str:
    """Give a known path as it is, any other as `other`."""
    text = str(path)
    return text if text in PATHS else OTHER


def error_label(error: Exception) -> str:
    """Name the nearest class of this package that an error is of, `other` where it is of none."""
    ours = (kind for kind in type(error).__mro__ if kind.__module__.partition(".")[0] == _PACKAGE)
    return next((kind.__name__ for kind in ours if issubclass(kind, JournalKeysError)), OTHER)


def method_label(actor: str) -> str:
    """Say by which way an actor, such as `operator:alice`, came."""
    return _METHODS.get(actor.partition(":")[0], OTHER)


def webhook_labels(result: WebhookOutcome | JournalKeysError) -> tuple[str, str]:
    """Give the event of a delivery, and what became of it."""
    status = _STATUSES.get(type(result), FAILED)
    if isinstance(result, JournalKeysError):
        return NONE, status
    return result.event if result.event in EVENTS else OTHER, status
