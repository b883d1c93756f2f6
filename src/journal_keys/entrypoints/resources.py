"""Open what has a lifetime, build the container around it, close it again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from journal_keys.adapters.embedded.vault import check_master, create_vault, open_vault
from journal_keys.adapters.memory.store_condition import NoTrouble
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.sql.schema import HEAD, check_schema, revision, upgrade
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.container import Container
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.secret_store import SecretStore
from journal_keys.ports.store_condition import StoreCondition
from journal_keys.use_cases.init_rings import holds_keys_of_a_ring, lost_ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The secret store, the same for health checks, which gives up sooner, and what is known of the way there."""

    store: SecretStore
    probe: SecretStore
    condition: StoreCondition


def build_container(settings: Settings, stores: Stores, ledger: SqlLedger) -> Container:
    """Declare the container's dependencies from settings and opened resources.

    Raises:
        PolicyError: the settings contradict each other.
    """
    return Container(
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
    )


@asynccontextmanager
async def open_container(settings: Settings, *, engine: AsyncEngine | None = None) -> AsyncIterator[Container]:
    """Open vault and ledger of these settings, which `init` made earlier.

    An `engine` that is handed in stays open afterwards. Of one for SQLite only the URL is taken: the ledger's promises
    there hang on how its connections are opened and begin their transactions, so it opens its own.

    Raises:
        PolicyError: the settings contradict each other.
        PortError: vault or ledger is missing, damaged, or of another version; nothing is made or changed.
    """
    async with AsyncExitStack() as stack:
        opened = engine
        if opened is None or opened.dialect.name == "sqlite":
            url = settings.ledger_url if opened is None else opened.url.render_as_string(hide_password=False)
            opened = await stack.enter_async_context(ledger_engine(url))
        await check_schema(opened)
        ledger = SqlLedger(opened, SystemClock(), settings.windows().skew)
        yield build_container(settings, await stack.enter_async_context(_open_stores(settings)), ledger)


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
async def _open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open Infisical where it is enabled, else the vault.

    Raises:
        SettingsError: Infisical is enabled, and its settings are incomplete.
        SecretStoreError: there is no vault.
    """
    if not settings.journal_infisical_enabled:
        vault = open_vault(settings.vault_file, SystemEntropy(), master=_master(settings))
        yield Stores(store=vault, probe=vault, condition=NoTrouble())
        return
    from journal_keys.adapters.infisical_cli.opening import open_store  # noqa: PLC0415 (a vault does not pay for it)

    async with open_store(settings.connection(), SystemClock(), SystemEntropy()) as opened:
        yield Stores(store=opened.store, probe=opened.probe, condition=opened.condition)


def _master(settings: Settings) -> KeyMaterial | None:
    chosen = settings.journal_keys_vault_master_key
    return KeyMaterial(chosen.get_secret_value().encode("utf-8")) if chosen is not None else None
