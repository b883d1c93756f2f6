"""Which secrets of the webhook were made, and which was used: their state, not their bytes."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from journal_keys.domain.webhook_secrets import SecretsPage


@runtime_checkable
class WebhookSecrets(Protocol):
    """Names of secrets, with their moments on the ledger's clock, shared by all instances. Raises as `Ledger` does."""

    @abstractmethod
    async def known_secrets(self) -> SecretsPage:
        """Give all of them, oldest first."""
        ...

    @abstractmethod
    async def introduce(self, name: str, *, actor: str, reason: str) -> SecretsPage:
        """Record a secret that was made now, audit that in the same transaction, and give all of them, this one last.

        The fact says until when former secrets count.
        """
        ...

    @abstractmethod
    async def confirm(self, name: str) -> None:
        """Record that a delivery signed with this secret came now, and audit that in the same transaction.

        What was recorded before stays; a name that is not known stays so.
        """
        ...
