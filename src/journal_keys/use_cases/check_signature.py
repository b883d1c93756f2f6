"""Say whether a webhook's signature is made with a secret that counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import WEBHOOK_SECRET, WEBHOOK_SECRET_PREFIX
from journal_keys.domain.webhook_secrets import SecretsPage
from journal_keys.domain.webhooks import Claim, WebhookRefusedError, is_genuine
from journal_keys.ports.clock import Clock
from journal_keys.ports.secret_store import SecretStore, SecretStoreError
from journal_keys.ports.webhook_secrets import WebhookSecrets

COOL_DOWN: Final = timedelta(seconds=10)
"""Whoever sends what does not fit makes the store be asked no more often than this, whether it answers or not."""

PAGE_HELD: Final = timedelta(seconds=1)
"""So long a secret may still count in this process after its successor was used in another."""

PAGE_HELD_MEANWHILE: Final = timedelta(seconds=5)
"""The same for who comes while it is being found out: of many at once, one asks."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stored:
    name: str
    secret: KeyMaterial


@dataclass(slots=True, kw_only=True)
class CheckSignature:
    """The setting's secret counts, and the one in the store; once one was made by a rotation, what that leaves.

    What lies in the store is held for its time to live, and no less than `COOL_DOWN`.
    """

    store: SecretStore
    secrets: WebhookSecrets
    clock: Clock
    ttl: timedelta
    configured: tuple[KeyMaterial, ...]
    _held: tuple[_Stored, ...] = field(default=(), init=False)
    _read_s: float = field(default=float("-inf"), init=False)
    _failed_s: float = field(default=float("-inf"), init=False)
    _failure: SecretStoreError | None = field(default=None, init=False)
    _page: SecretsPage | None = field(default=None, init=False)
    _page_s: float = field(default=float("-inf"), init=False)
    _is_reading: bool = field(default=False, init=False)

    async def __call__(self, claim: Claim) -> None:
        """Return where the signature fits a secret that counts; the first use of a new one is recorded.

        Raises:
            WebhookRefusedError: it fits none, or there is none.
            SecretStoreError, LedgerError: which secrets count could not be found out.
        """
        is_configured = False
        for secret in self.configured:
            is_configured |= is_genuine(claim, secret)
        page = await self._known() if is_configured else None
        if page is not None and not page.made:
            return
        name = await self._name(claim)
        if name is None and not is_configured:
            raise self._refusal()
        await self._admit(name, await self._known(name))

    def forget(self) -> None:
        """Ask the store next time: something changed where the secrets lie."""
        self._read_s = float("-inf")

    async def _name(self, claim: Claim) -> str | None:
        for max_age in (max(self.ttl, COOL_DOWN), COOL_DOWN):
            for stored in await self._stored(max_age):
                if is_genuine(claim, stored.secret):
                    return stored.name
        return None

    async def _admit(self, name: str | None, page: SecretsPage) -> None:
        ended_at = page.superseded_at(name)
        if ended_at is not None:
            raise WebhookRefusedError(
                f"the signature is made with a secret that a newer one took the place of at"
                f" {ended_at.isoformat(timespec='seconds')}: give the hook the newest, or make one with"
                " 'journal-keys webhook-secret rotate'"
            )
        if name is not None and page.awaits_use(name):
            self._page = None
            await self.secrets.confirm(name)

    async def _known(self, name: str | None = None) -> SecretsPage:
        """Give what rotations made, as it was a moment ago, unless that lacks a secret with the name of such."""
        page, age_s = self._page, self.clock.uptime_s() - self._page_s
        is_made = name is not None and name.startswith(WEBHOOK_SECRET_PREFIX)
        if page is None or (is_made and not page.has(str(name))):
            return await self._read_page()
        bound = PAGE_HELD_MEANWHILE if self._is_reading else PAGE_HELD
        return page if age_s <= bound.total_seconds() else await self._read_page()

    async def _read_page(self) -> SecretsPage:
        self._is_reading = True
        try:
            page = self._page = await self.secrets.known_secrets()
        finally:
            self._is_reading = False
        self._page_s = self.clock.uptime_s()
        return page

    async def _stored(self, max_age: timedelta) -> tuple[_Stored, ...]:
        """What rotations made comes first, so that the guide's name, which holds the newest again, hides no name."""
        now_s = self.clock.uptime_s()
        if now_s - self._read_s > max_age.total_seconds():
            if self._failure is not None and now_s - self._failed_s <= COOL_DOWN.total_seconds():
                raise type(self._failure)(str(self._failure))
            try:
                found = await self._found()
            except SecretStoreError as failure:
                self._failure, self._failed_s = failure, now_s
                raise
            names = [name for name in sorted(found) if name.startswith(WEBHOOK_SECRET_PREFIX)]
            names += [WEBHOOK_SECRET.name] if WEBHOOK_SECRET.name in found else []
            self._held = tuple(_Stored(name=name, secret=found[name]) for name in names)
            self._read_s, self._failure = self.clock.uptime_s(), None
        return self._held

    async def _found(self) -> Mapping[str, KeyMaterial]:
        """What lies there now; that something of before is gone counts behind our marker only."""
        content = await self.store.read_folder(WEBHOOK_SECRET.folder)
        if any(one.name not in content.secrets for one in self._held):
            content.require_marked()
        return content.secrets

    def _refusal(self) -> WebhookRefusedError:
        if self.configured or self._held:
            return WebhookRefusedError("the signature does not fit: the hook has another secret than this place")
        return WebhookRefusedError(
            f"no webhook secret is configured: set JOURNAL_INFISICAL_WEBHOOK_SECRET, or the secret {WEBHOOK_SECRET}"
        )
