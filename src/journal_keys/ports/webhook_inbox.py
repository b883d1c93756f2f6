"""Remembering which webhooks were taken, so that a repeated delivery has no second effect."""

from abc import abstractmethod
from datetime import timedelta
from typing import Final, Protocol, runtime_checkable

KEPT_FOR: Final = timedelta(days=1)
"""Much longer than any delivery stays fresh (`domain.webhooks.LONGEST_TOLERANCE`)."""


@runtime_checkable
class WebhookInbox(Protocol):
    """Digests of deliveries, 64 hex digits each, shared by all instances."""

    @abstractmethod
    async def take(self, digest: str) -> bool:
        """Keep the digest for `KEPT_FOR` at least; True for exactly one of all calls with the same within that time.

        Raises:
            LedgerError: it cannot be kept; a later call may still be the one.
        """
        ...
