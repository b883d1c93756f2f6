"""Whatever becomes of PostgreSQL: what is promised is kept, what is refused changed nothing, and views serve on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import AlreadyRotated, Rotated, Waiting
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.ledger import LedgerBehindError, LedgerError, LedgerUnavailableError
from tests.support.embedded import make_rings, settings_in
from tests.support.postgres_server import PostgresServer
from tests.support.tcp_proxy import TcpProxy, Trap

TEXT: Final = "a client's token"
W1_S: Final = 0.65
ANSWER_S: Final = 2.0
LOCK_S: Final = 0.5


@pytest.fixture
async def direct(postgres: PostgresServer, tmp_path: Path) -> Settings:
    """Settings without the proxy; the rings are made."""
    return await made_rings(postgres, tmp_path)


async def made_rings(server: PostgresServer, folder: Path) -> Settings:
    settings = settings_in(
        folder,
        journal_db_url_async=await server.database(),
        journal_jwks_max_age=0.2,
        journal_infisical_cache_ttl=0.6,
        journal_ledger_poll=0.05,
        journal_clock_skew=0,
        journal_jwt_longest_token=600,
    )
    await make_rings(settings)
    return settings


@pytest.fixture
async def proxy(postgres: PostgresServer) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(postgres.port) as made:
        yield made


@asynccontextmanager
async def impatient(settings: Settings, port: int, *, connections: int = 5) -> AsyncIterator[AsyncEngine]:
    """An engine of the application's own, that gives up sooner than ours."""
    engine = create_async_engine(
        make_url(settings.ledger_url).set(port=port),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=LOCK_S,
        connect_args={
            "timeout": ANSWER_S,
            "command_timeout": ANSWER_S,
            "server_settings": {"lock_timeout": f"{LOCK_S * 1000:.0f}ms"},
        },
    )
    try:
        yield engine
    finally:
        await engine.dispose()


@dataclass(frozen=True, kw_only=True)
class App:
    """An application whose ledger is behind the proxy, and what it made before anything went wrong."""

    container: Container
    engine: AsyncEngine
    token: str
    ciphertext: str

    async def rotate(self, rotation_id: str) -> None:
        """Rotate both rings once they may be.

        Raises:
            LedgerError: as the ledger says.
        """
        request = RotationRequest(rotation_id=rotation_id, scope="both", force=True, reason="a test", actor="ops")
        for family in Family:
            async with asyncio.timeout(60):
                while isinstance(outcome := await self.container.rotate_keys()(family, request), Waiting):  # noqa: ASYNC110
                    await asyncio.sleep(W1_S / 4)
            assert isinstance(outcome, Rotated | AlreadyRotated)

    def serves(self) -> bool:
        """Whether what was made before is verified and decrypted, without any I/O."""
        claims = self.container.verifier().verify(self.token)
        return claims["sub"] == "alice" and self.container.cipher().decrypt(self.ciphertext) == TEXT

    async def is_sound(self) -> bool:
        """Whether a pass of reconcile leaves nothing to do, each id promoted once, and the chain is whole."""
        for family in Family:
            await self.container.reconcile()(family)
        await self.container.verify_audit()()
        entries = await self.container.trail().entries(after=0, limit=10_000)
        promoted = Counter(
            (entry.fact.family, entry.fact.detail["rotation_id"])
            for entry in entries
            if entry.fact.action == "key_promoted" and "rotation_id" in entry.fact.detail
        )
        await self.container.refresh_views()()
        return set(promoted.values()) <= {1} and self.serves()


@asynccontextmanager
async def running(settings: Settings, engine: AsyncEngine) -> AsyncIterator[App]:
    async with open_container(settings, engine=engine) as container:
        await container.refresh_views()()
        yield App(
            container=container,
            engine=engine,
            token=container.signer().sign({"sub": "alice"}),
            ciphertext=container.cipher().encrypt(TEXT),
        )


@pytest.fixture
async def app(direct: Settings, proxy: TcpProxy) -> AsyncIterator[App]:
    async with impatient(direct, proxy.port) as engine, running(direct, engine) as made:
        yield made


async def test_down_at_start(direct: Settings, proxy: TcpProxy) -> None:
    proxy.is_refusing = True
    async with impatient(direct, proxy.port) as engine:
        with pytest.raises(LedgerUnavailableError, match="gave no answer"):
            async with open_container(direct, engine=engine):
                pass
        proxy.heal()
        async with running(direct, engine) as app:
            await app.rotate("after")
            assert await app.is_sound()


@pytest.mark.processes
async def test_going_down(own_postgres: PostgresServer, tmp_path: Path) -> None:
    settings = await made_rings(own_postgres, tmp_path)
    async with impatient(settings, own_postgres.port) as engine, running(settings, engine) as app:
        own_postgres.stop()
        with pytest.raises(LedgerUnavailableError):
            await app.rotate("once")
        with pytest.raises(LedgerUnavailableError):
            await app.container.refresh_views()()
        assert app.serves()
        own_postgres.start()
        await app.rotate("once")
        assert await app.is_sound()


async def test_connections_that_are_cut(app: App, proxy: TcpProxy) -> None:
    for number in range(3):
        proxy.cut()
        await app.rotate(f"rotation-{number}")
    assert await app.is_sound()


async def test_a_black_hole(app: App, proxy: TcpProxy) -> None:
    proxy.is_black_hole = True
    async with asyncio.timeout(60):
        with pytest.raises(LedgerUnavailableError):
            await app.rotate("once")
    assert app.serves()
    proxy.heal()
    proxy.cut()
    await app.rotate("once")
    assert await app.is_sound()


async def test_a_server_that_is_far_away(app: App, proxy: TcpProxy) -> None:
    proxy.delay_s = 0.01
    await app.rotate("once")
    assert await app.is_sound()


@pytest.mark.parametrize("has_effect", [True, False], ids=["its answer", "the request"])
async def test_a_lost_commit_is_settled_by_the_rotation_s_id(app: App, proxy: TcpProxy, *, has_effect: bool) -> None:
    for passes in range(20):
        proxy.trap = Trap(word=b"COMMIT", passes=passes, has_effect=has_effect)
        try:
            await app.rotate(f"rotation-{passes}")
        except LedgerUnavailableError:
            await app.rotate(f"rotation-{passes}")
        is_sprung = proxy.trap is None
        proxy.heal()
        assert await app.is_sound()
        if not is_sprung:
            break
    assert not is_sprung
    assert passes >= 4


async def test_locked(app: App, direct: Settings) -> None:
    url = make_url(direct.ledger_url)
    holder = await asyncpg.connect(user=url.username, host=url.host, port=url.port, database=url.database)
    try:
        async with holder.transaction():
            await holder.execute("SELECT * FROM ledger_clock FOR UPDATE")
            with pytest.raises(LedgerUnavailableError, match="is locked by another process"):
                await app.rotate("once")
            await app.container.refresh_views()()
            assert app.serves()
    finally:
        await holder.close()
    await app.rotate("once")
    assert await app.is_sound()


async def test_a_replica_that_takes_no_changes(app: App, direct: Settings, postgres: PostgresServer) -> None:
    database = make_url(direct.ledger_url).database
    await postgres.do(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    await app.engine.dispose()
    with pytest.raises(LedgerUnavailableError, match="takes no changes: expected the primary server"):
        await app.rotate("once")
    await app.container.refresh_views()()
    assert app.serves()
    await postgres.do(f"ALTER DATABASE {database} RESET default_transaction_read_only")
    await app.engine.dispose()
    await app.rotate("once")
    assert await app.is_sound()


async def test_a_pool_that_the_application_has_used_up(direct: Settings, postgres: PostgresServer) -> None:
    async with impatient(direct, postgres.port, connections=1) as engine, running(direct, engine) as app:
        async with engine.connect():
            with pytest.raises(LedgerUnavailableError, match="gave no answer"):
                await app.rotate("once")
            assert app.serves()
        await app.rotate("once")
        assert await app.is_sound()


async def test_a_server_without_room_for_another_connection(
    app: App, direct: Settings, postgres: PostgresServer
) -> None:
    database = make_url(direct.ledger_url).database
    await postgres.do(f"CREATE ROLE of_{database} LOGIN SUPERUSER")
    await postgres.do(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    await postgres.do(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT 0")
    await postgres.do(f"ALTER ROLE of_{database} NOSUPERUSER")
    url = make_url(direct.ledger_url).set(username=f"of_{database}")
    limited = direct.model_copy(update={"journal_db_url_async": url.render_as_string(hide_password=False)})
    async with impatient(limited, postgres.port) as engine:
        with pytest.raises(LedgerUnavailableError, match="has no room for another connection"):
            async with open_container(limited, engine=engine):
                pass
    assert await app.is_sound()


async def test_cancelled_in_mid_command(app: App, proxy: TcpProxy) -> None:
    proxy.delay_s = 0.002
    for number in range(25):
        rotating = asyncio.create_task(app.rotate(f"rotation-{number}"))
        await asyncio.sleep(0.004 * number)
        rotating.cancel()
        await asyncio.gather(rotating, return_exceptions=True)
    proxy.heal()
    await app.rotate("at-last")
    assert await app.is_sound()
    assert app.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("position", [0, 1, 4, 5, 6, 9, 20, 40, 80])
async def test_a_flipped_bit_ends_in_an_error_of_the_ledger_or_in_none(
    app: App, proxy: TcpProxy, position: int
) -> None:
    for bit in range(0, 8, 3):
        proxy.flip_bit_of_reply(position, bit)
        with suppress(LedgerError):
            await app.container.ledger().heads()
        proxy.heal()
        proxy.cut()
    assert await app.is_sound()


async def test_a_restored_old_dump(app: App, direct: Settings, postgres: PostgresServer) -> None:
    database = make_url(direct.ledger_url).database
    await app.engine.dispose()
    await postgres.do(f"CREATE DATABASE old_{database} TEMPLATE {database}")
    await app.rotate("first")
    await app.rotate("second")
    url = make_url(direct.ledger_url).set(database=f"old_{database}")
    restored = direct.model_copy(update={"journal_db_url_async": url.render_as_string(hide_password=False)})
    async with open_container(restored) as container:
        for family in Family:
            with pytest.raises(LedgerBehindError, match="older than the store"):
                await container.reconcile()(family)
    assert await app.is_sound()
