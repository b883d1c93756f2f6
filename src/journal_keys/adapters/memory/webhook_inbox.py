"""A process's memory of deliveries, before the inbox that all instances share."""

from typing import Final

from journal_keys.ports.webhook_inbox import WebhookInbox

_MOST: Final = 1024


class RememberingInbox(WebhookInbox):
    """Knows the last digests that came here: a sender that repeats itself costs the shared inbox nothing."""

    def __init__(self, shared: WebhookInbox) -> None:
        self._shared = shared
        self._known: dict[str, None] = {}

    async def take(self, digest: str) -> bool:
        """Ask the shared inbox, unless the digest is known."""
        if digest in self._known:
            return False
        is_first = await self._shared.take(digest)
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[digest] = None
        return is_first
