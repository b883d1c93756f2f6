"""Figures are told apart by closed sets: whatever is not of them counts as `other`."""

import pytest

from journal_keys.domain.errors import DomainError, JournalKeysError
from journal_keys.domain.labels import error_label, method_label, path_label, webhook_labels
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.webhooks import (
    AlreadySeen,
    Ignored,
    WebhookOutcome,
    WebhookRefusedError,
    WebhookUnusableError,
)
from journal_keys.ports.secret_store import SecretStoreDeniedError


class ForeignError(SecretStoreDeniedError):
    """Somebody else's kind of an error of ours."""


class UnrelatedError(Exception):
    """Somebody else's."""


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (DomainError("x"), "DomainError"),
        (SecretStoreDeniedError("x"), "SecretStoreDeniedError"),
        (ForeignError("x"), "SecretStoreDeniedError"),
        (UnrelatedError("x"), "other"),
        (OSError("x"), "other"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_an_error_counts_under_the_nearest_class_of_this_package(error: Exception, label: str) -> None:
    assert error_label(error) == label


@pytest.mark.parametrize(
    ("actor", "label"),
    [("operator:alice", "operator"), ("scheduler", "scheduler"), ("http:token-7", "api"), ("alice:operator", "other")],
)
def test_an_actor_counts_under_the_way_by_which_it_came(actor: str, label: str) -> None:
    assert method_label(actor) == label


@pytest.mark.parametrize(
    ("path", "label"),
    [("/auth/jwt/versions", "/auth/jwt/versions"), ("/auth/jwt/version", "other"), ("/somebody/else", "other")],
)
def test_a_path_outside_the_known_tree_counts_as_other(path: str, label: str) -> None:
    assert path_label(SecretPath.parse(path)) == label


@pytest.mark.parametrize(
    ("result", "labels"),
    [
        (AlreadySeen(event="secrets.modified"), ("secrets.modified", "already_seen")),
        (Ignored(event="test", because="a test"), ("test", "ignored")),
        (Ignored(event="somebody's own", because="unknown"), ("other", "ignored")),
        (WebhookRefusedError("x"), ("none", "refused")),
        (WebhookUnusableError("x"), ("none", "unusable")),
        (SecretStoreDeniedError("x"), ("none", "failed")),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, tuple) else "-".join(one),
)
def test_a_delivery_counts_under_its_event_and_what_became_of_it(
    result: WebhookOutcome | JournalKeysError, labels: tuple[str, str]
) -> None:
    assert webhook_labels(result) == labels
