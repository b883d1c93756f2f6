"""Say whether a webhook's signature is made with a secret that counts."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import WEBHOOK_SECRET
from journal_keys.domain.webhooks import Claim, WebhookRefusedError, is_genuine
from journal_keys.ports.clock import Clock
from journal_keys.ports.secret_store import SecretStore

COOL_DOWN: Final = timedelta(seconds=10)
"""Whoever sends what does not fit makes the store be asked no more often than this."""


@dataclass(slots=True, kw_only=True)
class CheckSignature:
    """Two secrets count at once: the setting's, and the one in the store, which is held for its time to live."""

    store: SecretStore
    clock: Clock
    ttl: timedelta
    configured: tuple[KeyMaterial, ...]
    _held: tuple[KeyMaterial, ...] = field(default=(), init=False)
    _read_s: float = field(default=float("-inf"), init=False)

    async def __call__(self, claim: Claim) -> None:
        """Return where the signature fits a secret.

        Raises:
            WebhookRefusedError: it fits none, or there is none.
            SecretStoreError: it does not fit the setting's, and the store could not be asked for the other.
        """
        if _fits(claim, self.configured) or _fits(claim, await self._stored(self.ttl)):
            return
        if _fits(claim, await self._stored(min(COOL_DOWN, self.ttl))):
            return
        if not self.configured and not self._held:
            raise WebhookRefusedError(
                f"no webhook secret is configured: set JOURNAL_INFISICAL_WEBHOOK_SECRET, or the secret {WEBHOOK_SECRET}"
            )
        raise WebhookRefusedError("the signature does not fit: the hook has another secret than this place")

    def forget(self) -> None:
        """Ask the store next time: something changed where the secret lies."""
        self._read_s = float("-inf")

    async def _stored(self, max_age: timedelta) -> tuple[KeyMaterial, ...]:
        if self.clock.uptime_s() - self._read_s > max_age.total_seconds():
            content = await self.store.read_folder(WEBHOOK_SECRET.folder)
            found = content.secrets.get(WEBHOOK_SECRET.name)
            self._held, self._read_s = () if found is None else (found,), self.clock.uptime_s()
        return self._held


def _fits(claim: Claim, secrets: tuple[KeyMaterial, ...]) -> bool:
    return any(is_genuine(claim, secret) for secret in secrets)
