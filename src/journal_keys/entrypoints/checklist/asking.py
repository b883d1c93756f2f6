"""Ask the world what the lines want to know: reading only, but for the probe of `doctor` in Infisical."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from journal_keys.adapters.crypto.key_crypto import CryptographyKeyOpener
from journal_keys.adapters.embedded.backup_folder import FolderBackupShelf
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.container import Container
from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.backup_seal import Seal
from journal_keys.domain.keys import Family
from journal_keys.domain.migration import DEFAULT_MAP
from journal_keys.domain.paths import WEBHOOK_SECRET, WEBHOOK_SECRET_PREFIX
from journal_keys.domain.status import StatusReport
from journal_keys.domain.webhooks import Claim, Dialect, WebhookRefusedError
from journal_keys.entrypoints.backup_seals import SealOptions, known_seal, opening_of
from journal_keys.entrypoints.checklist.facts import Ask, Examined, Facts, Kept, Once, T, Webhook
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings, environment_of
from journal_keys.ports.backup_shelf import BackupKeyError, BackupMissingError, Shelved
from journal_keys.use_cases.check_backup import BackupReport, CheckBackup
from journal_keys.use_cases.check_health import Health

_MOST_S: Final = 30.0
_MOST_OF_INFISICAL_S: Final = 120.0
"""The requests of an examination may have to wait for the budget of a minute."""
_PAGE: Final = 1000
_OF_BACKUPS: Final = "backup-"
_DEMOTED: Final = "key_demoted"
_FORGED: Final = Claim(dialect=Dialect.INFISICAL, signed=b"0.{}", macs=(bytes(32),), sent_ms=0)
"""No secret makes this signature, but for one in 2^256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """The questions themselves. Those of ledger and store need the container, and fail as opening it does."""

    settings: Settings
    container: Ask[Container]

    async def infisical(self) -> Mapping[str, Examined]:
        """Examine as `doctor` does."""
        from journal_keys.adapters.infisical_cli.doctor import Verdict  # noqa: PLC0415 (a vault does not pay for it)
        from journal_keys.entrypoints.examination import examine  # noqa: PLC0415 (likewise)

        bad = {Verdict.FAILED, Verdict.SKIPPED}
        return {
            one.check: Examined(ok=one.verdict not in bad, found=one.found, cure=one.cure)
            async for one in examine(self.settings)
        }

    async def redis(self) -> str:
        """Ask for a PONG."""
        url = self.settings.redis_url()
        if url is None:
            return ""
        from journal_keys.adapters.redis.opening import silence_of  # noqa: PLC0415 (who has no Redis does not pay)

        return str(await silence_of(url, SystemClock()) or "")

    async def health(self) -> Health:
        """As over HTTP."""
        return await (await self.container()).check_health()()

    async def status(self) -> StatusReport:
        """Of the ledger."""
        return await (await self.container()).describe_status()()

    async def head(self) -> AuditHead:
        """Follow the chain."""
        return await (await self.container()).verify_audit()()

    async def rotations(self) -> Mapping[Family, datetime]:
        """Look in the audit trail for keys that made room for their successors."""
        trail, found, after = (await self.container()).trail(), dict[Family, datetime](), 0
        while entries := await trail.entries(after=after, limit=_PAGE):
            demoted = [entry.fact for entry in entries if entry.fact.action == _DEMOTED]
            found |= {fact.family: fact.at for fact in demoted if fact.family is not None}
            after = entries[-1].sequence
        return found

    async def webhook(self) -> Webhook:
        """Look where secrets lie, and hand in a delivery that nobody signed."""
        container = await self.container()
        names = (await container.store().read_folder(WEBHOOK_SECRET.folder)).secrets
        in_store = [name for name in names if name == WEBHOOK_SECRET.name or name.startswith(WEBHOOK_SECRET_PREFIX)]
        made = (await container.webhook_secrets().known_secrets()).made
        return Webhook(
            has_secret=bool(in_store) or bool(self.settings.webhook_secrets()),
            refuses_forged=await self._refuses_forged(container),
            used_at=made[-1].used_at if made else None,
        )

    async def _refuses_forged(self, container: Container) -> bool:
        try:
            await container.check_signature()(_FORGED)
        except WebhookRefusedError:
            return True
        return False

    async def backup(self) -> Kept | None:
        """Open the newest one with what is here, as `backup verify` does."""
        shelf = FolderBackupShelf(self.settings.backup_folder)
        backups = [one for one in await shelf.listed() if one.name.startswith(_OF_BACKUPS)]
        return None if not backups else Kept(shelved=backups[-1], report=await self._opened(shelf, backups[-1]))

    async def _opened(self, shelf: FolderBackupShelf, shelved: Shelved) -> BackupReport | None:
        if shelved.sealed_for == "passphrase":
            return None
        check = CheckBackup(shelf=shelf, opener=CryptographyKeyOpener())
        try:
            return (await check(shelved.name, opening_of(self.settings, SealOptions())))[1]
        except (BackupKeyError, BackupMissingError):
            return None

    async def seal(self) -> Seal | None:
        """Say whom the next backup is sealed for."""
        return known_seal(self.settings, SealOptions())


def _movable() -> Iterator[str]:
    """Variables whose content moves in, and that this package does not read itself."""
    yield from DEFAULT_MAP.key_variables()
    yield from (name for name in DEFAULT_MAP.secrets if name.lower() not in Settings.model_fields)


@asynccontextmanager
async def facts_of(settings: Settings, *, most_s: float = _MOST_S) -> AsyncIterator[Facts]:
    """Give the facts of what these settings name; each is asked for when a line wants it."""

    def once(ask: Ask[T], most: float = most_s) -> Once[T]:
        return Once(ask, most)

    async with AsyncExitStack() as stack:
        opened = once(lambda: stack.enter_async_context(open_container(settings)), most_s / 2)
        look = Looking(settings=settings, container=opened)
        yield Facts(
            settings=settings,
            variables=frozenset(environment_of(_movable())),
            infisical=once(look.infisical, max(most_s, _MOST_OF_INFISICAL_S)),
            redis=once(look.redis),
            health=once(look.health),
            status=once(look.status),
            head=once(look.head),
            rotations=once(look.rotations),
            webhook=once(look.webhook),
            backup=once(look.backup),
            seal=once(look.seal),
        )
