"""Make a new secret for the webhook; former ones count until it is used, or for a day."""

from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain import base64url
from journal_keys.domain.changes import check_reason
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import (
    MARKER_NAME,
    MARKER_VALUE,
    WEBHOOK_SECRET,
    WEBHOOK_SECRET_PREFIX,
    SecretPath,
)
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import FolderContent, SecretNotFoundError, SecretStore, SecretStoreError
from journal_keys.ports.webhook_secrets import WebhookSecrets

_SECRET_BYTES = 32
_NAME_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WebhookSecretMade:
    """The new secret, 43 characters of base64url. `unfinished` says what was left undone, None for nothing.

    All former secrets count until `former_until`, unless this one is used before.
    """

    name: str
    secret: KeyMaterial
    former_until: datetime
    unfinished: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateWebhookSecret:
    """New thing under a new name first: nobody loses the secret that the server still signs with."""

    store: SecretStore
    secrets: WebhookSecrets
    entropy: Entropy

    async def __call__(self, *, actor: str, reason: str) -> WebhookSecretMade:
        """Store the secret under a name of its own, record it in the ledger, then set the guide's name.

        What stands in the guide's name is kept under a name of its own before; secrets that no longer count go.

        Raises:
            InvalidNameError: the reason is empty, too long, or not printable.
            SecretHiddenError: the folder does not show its marker, so the former secret may be hidden; none was made.
            SecretStoreError, LedgerError: no secret has ceased to count. If the ledger did not answer, a new one may
                count that nobody was shown: rotate again, within a day.
        """
        check_reason(reason)
        await self.store.put_new(WEBHOOK_SECRET.folder.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
        content = (await self.store.read_folder(WEBHOOK_SECRET.folder)).require_marked()
        over = await self._superseded(content)
        await self._keep(content)
        secret = KeyMaterial(base64url.encode(self.entropy.token(_SECRET_BYTES)).encode("ascii"))
        name = await self._put(secret)
        until = await self._introduce(name, actor=actor, reason=reason)
        return WebhookSecretMade(
            name=name, secret=secret, former_until=until, unfinished=await self._tidy(secret, over)
        )

    async def _introduce(self, name: str, *, actor: str, reason: str) -> datetime:
        """Record it; where the answer is lost, the ledger says whether it did."""
        try:
            page = await self.secrets.introduce(name, actor=actor, reason=reason)
        except LedgerUnavailableError as failure:
            page = await self.secrets.known_secrets()
            if not page.has(name):
                raise failure from None
        return page.former_until(name)

    async def _superseded(self, content: FolderContent) -> list[SecretPath]:
        page = await self.secrets.known_secrets()
        names = [name for name in content.secrets if name.startswith(WEBHOOK_SECRET_PREFIX)]
        return [content.folder.child(name) for name in sorted(names) if page.superseded_at(name) is not None]

    async def _keep(self, content: FolderContent) -> None:
        current = content.secrets.get(WEBHOOK_SECRET.name)
        named = [secret for name, secret in content.secrets.items() if name.startswith(WEBHOOK_SECRET_PREFIX)]
        if current is not None and not any(secret.same_as(current) for secret in named):
            await self._put(current)

    async def _put(self, secret: KeyMaterial) -> str:
        path = WEBHOOK_SECRET.folder.child(WEBHOOK_SECRET_PREFIX + self.entropy.token(_NAME_BYTES).hex())
        await self.store.put_new(path, secret)
        held = (await self.store.read_folder(path.folder)).secrets.get(path.name)
        if held is None or not held.same_as(secret):
            raise SecretNotFoundError(f"{path} was written and does not read back as written")
        return path.name

    async def _tidy(self, secret: KeyMaterial, over: list[SecretPath]) -> str | None:
        try:
            await self.store.overwrite({WEBHOOK_SECRET: secret})
            for path in over:
                await self.store.delete(path)
        except SecretStoreError as failure:
            return f"{WEBHOOK_SECRET} may hold the secret of before, and older ones may be left: {failure}"
        return None
