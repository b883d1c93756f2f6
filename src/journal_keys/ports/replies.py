"""Answers that were given to requests with an idempotency key, so that a repeat is given the same."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol, runtime_checkable

from journal_keys.domain.errors import DomainError


class IdempotencyConflictError(DomainError):
    """The key was used before with another request."""


KEPT_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: the digest of the request that it was given to (64 hex digits), its HTTP status, its JSON text."""

    digest: str
    status: int
    body: str


@runtime_checkable
class Replies(Protocol):
    """Replies by caller and key, shared by all instances. Raises as `Ledger` does."""

    @abstractmethod
    async def recall(self, actor: str, key: str) -> Reply | None:
        """Give what this caller was answered under this key within `KEPT_FOR`; None where there is nothing."""
        ...

    @abstractmethod
    async def keep(self, actor: str, key: str, reply: Reply) -> Reply:
        """Keep the reply for `KEPT_FOR` at least, unless one is kept already; give the one that is kept."""
        ...
