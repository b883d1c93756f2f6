"""Answers that were given to requests with an idempotency key, so that a repeat is given the same."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol, runtime_checkable

from journal_keys.domain.errors import DomainError


class IdempotencyConflictError(DomainError):
    """The key stands for another request."""


KEPT_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: the digest of the request that it was given to (64 hex digits), its HTTP status, its JSON text."""

    digest: str
    status: int
    body: str


def check_same_request(known: Reply, digest: str) -> None:
    """Return where what is known belongs to the request of this digest.

    Raises:
        IdempotencyConflictError: it belongs to another.
    """
    if known.digest != digest:
        raise IdempotencyConflictError("the key of this request was used before, with another one")


@runtime_checkable
class Replies(Protocol):
    """Replies by caller and key, shared by all instances. Raises as `Ledger` does."""

    @abstractmethod
    async def begin(self, actor: str, key: str, digest: str) -> Reply | None:
        """Let the key of this caller stand for the request of this digest, for `KEPT_FOR` at least.

        Give what that request was answered; None where it was not, or not for good.

        Raises:
            IdempotencyConflictError: it stands for another request.
        """
        ...

    @abstractmethod
    async def keep(self, actor: str, key: str, reply: Reply) -> Reply:
        """Keep the reply to the request that the key stands for, unless one is kept already; give the one that is kept.

        Raises:
            IdempotencyConflictError: it stands for another request by now.
        """
        ...
