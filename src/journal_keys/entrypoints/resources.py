"""Open what has a lifetime, build the container around it, close it again."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from journal_keys.adapters.crypto.key_crypto import AesCipherKey
from journal_keys.adapters.embedded.backup_folder import FolderBackupShelf
from journal_keys.adapters.embedded.grants_file import FileGrants
from journal_keys.adapters.embedded.snapshot_store import FileSnapshotStore
from journal_keys.adapters.embedded.vault import LateVault, check_master, create_vault, open_vault
from journal_keys.adapters.memory.grants import MemoryGrants
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.store_condition import NoTrouble
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.sql.schema import HEAD, check_schema, checked_late, revision, upgrade
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.container import Container
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial, aes_kid
from journal_keys.entrypoints.instance_names import own_name
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.ports.ledger import LedgerAbsentError, LedgerUnavailableError
from journal_keys.ports.meter import Meter
from journal_keys.ports.secret_store import SecretStore, SecretStoreUnavailableError
from journal_keys.ports.store_condition import StoreCondition
from journal_keys.ports.tracer import Tracer
from journal_keys.use_cases.init_rings import holds_keys_of_a_ring, lost_ledger

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from journal_keys.adapters.redis.opening import Shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The secret store, the same for health checks, which gives up sooner, and what is known of the way there."""

    store: SecretStore
    probe: SecretStore
    condition: StoreCondition


def build_container(
    settings: Settings, stores: Stores, ledger: SqlLedger | MemoryLedger, more: Mapping[str, object] | None = None
) -> Container:
    """Declare the container's dependencies from settings and opened resources.

    Raises:
        PolicyError: the settings contradict each other.
    """
    return Container(
        **{"instance_name": settings.instance_name, **(more or {})},
        **_snapshot(settings),
        windows=settings.windows(),
        policies=settings.policies(),
        profile=settings.token_profile(),
        verify_max_stale=settings.verify_max_stale,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        store=stores.store,
        probe=stores.probe,
        condition=stores.condition,
        ledger=ledger,
        trail=ledger,
        clock_keeper=ledger,
        usage=ledger,
        fleet=ledger,
        grants=FileGrants(settings.admin_tokens_file) if settings.admin_tokens_file else MemoryGrants(),
        inbox=ledger,
        archive=ledger,
        shelf=FolderBackupShelf(settings.backup_folder),
        environment_name=settings.environment_slug(),
        replies=ledger,
        webhook_rules=settings.webhook_rules(),
        rates=settings.http_rates(),
        webhook_secrets=ledger,
        configured_webhook_secrets=settings.webhook_secrets(),
        instance_expiry=settings.instance_expiry,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """What instances share through Redis, and the board whose aes ring the keys for it are derived from."""

    shared: "Shared"
    board: MemoryViewBoard

    def providers(self) -> dict[str, object]:
        """Give what stands in the container instead of what is in memory."""
        shared = self.shared
        return {
            "board": self.board,
            "hints": shared.hints,
            "lease": shared.lease,
            "shared_cache": shared.cache,
            "limiter": shared.limiter,
        }


@asynccontextmanager
async def open_container(
    settings: Settings,
    *,
    engine: AsyncEngine | None = None,
    redis: "Redis | None" = None,
    meter: Meter | None = None,
    tracer: Tracer | None = None,
    waits: bool = False,
) -> AsyncIterator[Container]:
    """Open vault and ledger of these settings, which `init` made earlier.

    An `engine` that is handed in stays open afterwards. Of one for SQLite only the URL is taken: the ledger's promises
    there hang on how its connections are opened and begin their transactions, so it opens its own. A client of `redis`
    that is handed in is used in place of one for the URL in the settings, and stays open. Without a `meter` what is
    counted stays in the container, and without a `tracer` so does what is followed.

    Where somebody `waits` for them, or there may be a snapshot, a ledger or vault that is out of reach is told by its
    first use instead.

    Raises:
        SettingsError: the place in Redis belongs to another environment.
        PolicyError: the settings contradict each other.
        PortError: vault or ledger is missing, damaged, or of another version; nothing is made or changed.
    """
    async with AsyncExitStack() as stack:
        opened = engine
        if opened is None or opened.dialect.name == "sqlite":
            opened = await stack.enter_async_context(_own_engine(settings, opened))
        opened = await _checked(opened, waits=waits or settings.snapshot() is not None)
        ledger = SqlLedger(opened, SystemClock(), settings.windows().skew)
        chosen = meter or MemoryMeter()
        sharing = await _open_sharing(settings, redis, chosen, stack)
        stores = await stack.enter_async_context(_open_stores(settings, waits=waits))
        more = {
            "instance_name": stack.enter_context(own_name(settings.instance_name)),
            "meter": chosen,
            **({"tracer": tracer} if tracer else {}),
            **(sharing.providers() if sharing else {}),
        }
        yield build_container(settings, stores, ledger, more)


def _own_engine(settings: Settings, given: AsyncEngine | None) -> AbstractAsyncContextManager[AsyncEngine]:
    return ledger_engine(settings.ledger_url if given is None else given.url.render_as_string(hide_password=False))


async def _checked(engine: AsyncEngine, *, waits: bool) -> AsyncEngine:
    """Give an engine on which no transaction meets tables of another release."""
    try:
        await check_schema(engine)
    except (LedgerUnavailableError, LedgerAbsentError):
        if not waits:
            raise
        return checked_late(engine)
    return engine


@asynccontextmanager
async def provision(settings: Settings) -> AsyncIterator[Container]:
    """As `rebuild`, for `init`: where the store holds rings and there is no ledger, nothing is made.

    Raises:
        PolicyError: the settings contradict each other.
        LedgerMissingError: the ledger was lost.
        PortError: the ledger has rings and the vault is missing, or one of them is damaged.
    """
    settings.windows()
    has_store = settings.journal_infisical_enabled or settings.vault_file.exists()
    async with ledger_engine(settings.ledger_url) as engine:
        if has_store and await revision(engine) is None:
            async with _open_stores(settings) as stores:
                for family in Family:
                    if await holds_keys_of_a_ring(stores.store, family):
                        raise lost_ledger(family)
    async with rebuild(settings) as container:
        yield container


@asynccontextmanager
async def preview(settings: Settings) -> AsyncIterator[Container]:
    """As `open_container`, to look only: a ledger or vault that was never made is an empty one in memory.

    Raises:
        PolicyError: the settings contradict each other.
        PortError: as `open_container`.
    """
    settings.windows()
    async with ledger_engine(settings.ledger_url) as engine:
        has_ledger = await revision(engine) is not None
    if has_ledger:
        async with open_container(settings) as container:
            yield container
        return
    ledger = MemoryLedger(SystemClock(), settings.windows().skew)
    if not settings.journal_infisical_enabled and not settings.vault_file.exists():
        empty = MemorySecretStore()
        yield build_container(settings, Stores(store=empty, probe=empty, condition=NoTrouble()), ledger)
        return
    async with _open_stores(settings) as stores:
        yield build_container(settings, stores, ledger)


@asynccontextmanager
async def rebuild(settings: Settings) -> AsyncIterator[Container]:
    """As `open_container`, and make the home folder, the tables, and — where the ledger has no ring — the vault.

    Raises:
        PolicyError: the settings contradict each other.
        PortError: the ledger has rings and the vault is missing, or one of them is damaged.
    """
    settings.windows()
    master = _master(settings)
    if master is not None:
        check_master(master)
    async with ledger_engine(settings.ledger_url) as engine:
        await upgrade(engine)
        ledger = SqlLedger(engine, SystemClock(), settings.windows().skew)
        if not settings.journal_infisical_enabled and not await ledger.heads():
            create_vault(settings.vault_file, SystemEntropy(), master=master)
        async with _open_stores(settings) as stores:
            yield build_container(settings, stores, ledger)


async def upgrade_ledger(settings: Settings) -> tuple[str, str]:
    """Bring the ledger's tables up to this release; give their revision before and now.

    Raises:
        LedgerError: there are no tables, they are newer than this release, or they cannot be changed.
    """
    async with ledger_engine(settings.ledger_url) as engine:
        before = await revision(engine)
        if before is not None:
            await upgrade(engine)
        await check_schema(engine)
        return str(before), HEAD


@asynccontextmanager
async def _open_stores(settings: Settings, *, waits: bool = False) -> AsyncIterator[Stores]:
    """Open Infisical where it is enabled, else the vault.

    Raises:
        SettingsError: Infisical is enabled, and its settings are incomplete.
        SecretStoreError: there is no vault.
    """
    if not settings.journal_infisical_enabled:
        vault = _open_vault(settings, waits=waits or settings.snapshot() is not None)
        yield Stores(store=vault, probe=vault, condition=NoTrouble())
        return
    from journal_keys.adapters.infisical_cli.opening import open_store  # noqa: PLC0415 (a vault does not pay for it)

    async with open_store(settings.connection(), SystemClock(), SystemEntropy()) as opened:
        yield Stores(store=opened.store, probe=opened.probe, condition=opened.condition)


def _open_vault(settings: Settings, *, waits: bool) -> SecretStore:
    opening = partial(open_vault, settings.vault_file, SystemEntropy(), master=_master(settings))
    try:
        return opening()
    except SecretStoreUnavailableError:
        if not waits:
            raise
        return LateVault(open=opening)


def _snapshot(settings: Settings) -> dict[str, object]:
    """Give what stands in the container where a snapshot was chosen."""
    chosen = settings.snapshot()
    if chosen is None:
        return {}
    name, store = settings.environment
    file = FileSnapshotStore(chosen.file, chosen.key, "\n".join((name, *store)), SystemEntropy())
    return {"snapshots": file, "snapshot_secrets": chosen.secrets}


async def _open_sharing(
    settings: Settings, client: "Redis | None", meter: Meter, stack: AsyncExitStack
) -> Sharing | None:
    """Open Redis where there is one. That it does not answer stops nothing.

    Raises:
        SettingsError: the place in Redis belongs to another environment, or a setting is malformed.
    """
    target = settings.redis_url() if client is None else client
    if target is None:
        return None
    from journal_keys.adapters.redis import keys, opening  # noqa: PLC0415 (who has no Redis does not pay for it)
    from journal_keys.adapters.redis.namespace import Namespace  # noqa: PLC0415

    board, key = MemoryViewBoard(), settings.redis_cache_key()
    name, store = settings.environment
    sharing = opening.Sharing(
        place=Namespace.of(name, *store),
        keys=keys.RingKeys(board) if key is None else keys.OneKey(AesCipherKey(aes_kid(key), key)),
        ttl=settings.windows().view_ttl,
        skew=settings.windows().skew,
        hints=MemoryHintBus(),
        counts=meter.questions(),
    )
    shared = await stack.enter_async_context(opening.open_redis(target, sharing, SystemClock(), SystemEntropy()))
    if not await shared.cache.claim():
        raise SettingsError(
            f"the keys {sharing.place.prefix}* in Redis belong to another environment of the same name: let"
            " JOURNAL_REDIS_URL name another database, or delete these keys if that environment is no more"
        )
    return Sharing(shared=shared, board=board)


def _master(settings: Settings) -> KeyMaterial | None:
    chosen = settings.journal_keys_vault_master_key
    return KeyMaterial(chosen.get_secret_value().encode("utf-8")) if chosen is not None else None
