"""Forget cached secrets, and look at the rings at once."""

from dataclasses import dataclass

from journal_keys.domain.paths import SecretPath
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.secret_cache import SecretCache


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidateCache:
    """Forget what may have changed in the store."""

    cache: SecretCache
    hints: HintBus

    async def __call__(self, prefix: SecretPath | None) -> int:
        """Forget this path and all below it, or everything, and give how many values went."""
        gone = await self.cache.invalidate(prefix)
        self.hints.wake()
        return gone
