"""Errors over HTTP: Problem Details (RFC 9457), and the one table from exceptions to statuses."""

from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse

from journal_keys.domain.access import ForbiddenError, MisdirectedError, UnauthenticatedError
from journal_keys.domain.errors import (
    DomainError,
    JournalKeysError,
    KeyUnavailableError,
    PortError,
    RefusedError,
    RotationConflictError,
    TransitionError,
    UnknownKeyError,
)
from journal_keys.domain.rates import BusyError, TooManyRequestsError
from journal_keys.domain.token import TokenRefusedError
from journal_keys.domain.webhooks import WebhookRefusedError
from journal_keys.entrypoints.http.bounds import BodyTooLargeError, BodyTooSlowError
from journal_keys.ports.backup_shelf import BackupNameError, BackupSealError
from journal_keys.ports.ledger import StaleGenerationError
from journal_keys.ports.replies import IdempotencyConflictError
from journal_keys.ports.secret_store import PendingApprovalError, SecretNotFoundError, WriteOnceConflictError

MEDIA_TYPE: Final = "application/problem+json"

STATUSES: Final[dict[type[JournalKeysError], HTTPStatus]] = {
    TokenRefusedError: HTTPStatus.UNAUTHORIZED,
    WebhookRefusedError: HTTPStatus.UNAUTHORIZED,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    MisdirectedError: HTTPStatus.MISDIRECTED_REQUEST,
    BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    BodyTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    BodyTooSlowError: HTTPStatus.REQUEST_TIMEOUT,
    UnknownKeyError: HTTPStatus.NOT_FOUND,
    SecretNotFoundError: HTTPStatus.NOT_FOUND,
    RefusedError: HTTPStatus.BAD_REQUEST,
    BackupNameError: HTTPStatus.BAD_REQUEST,
    BackupSealError: HTTPStatus.BAD_REQUEST,
    RotationConflictError: HTTPStatus.CONFLICT,
    IdempotencyConflictError: HTTPStatus.CONFLICT,
    TransitionError: HTTPStatus.CONFLICT,
    StaleGenerationError: HTTPStatus.CONFLICT,
    WriteOnceConflictError: HTTPStatus.CONFLICT,
    PendingApprovalError: HTTPStatus.ACCEPTED,
    KeyUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    PortError: HTTPStatus.SERVICE_UNAVAILABLE,
    DomainError: HTTPStatus.INTERNAL_SERVER_ERROR,
    JournalKeysError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(kind: type[JournalKeysError]) -> HTTPStatus:
    """Give the status of the nearest ancestor that the table names."""
    return next(STATUSES[ancestor] for ancestor in kind.__mro__ if ancestor in STATUSES)


def problem(
    status: int, detail: str, *, extra: dict[str, object] | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Give a Problem Details answer. `detail` never repeats what the caller sent."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse({**body, **(extra or {})}, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def problem_of(failure: JournalKeysError) -> JSONResponse:
    """Give the answer that says this failure, with the header that goes with it."""
    headers = None
    if isinstance(failure, UnauthenticatedError):
        headers = {"WWW-Authenticate": "Bearer"}
    elif isinstance(failure, TooManyRequestsError):
        headers = {"Retry-After": f"{failure.retry_after.total_seconds():.0f}"}
    return problem(status_of(type(failure)), str(failure), headers=headers)
