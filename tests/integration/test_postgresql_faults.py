"""Whatever becomes of PostgreSQL: what is promised is kept, what is refused changed nothing, and views serve on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.ledger import LedgerBehindError, LedgerError, LedgerUnavailableError
from tests.support.postgres_server import PostgresServer
from tests.support.served_app import W1_S, App, impatient, made_rings, running
from tests.support.tcp_proxy import TcpProxy, Trap


@pytest.fixture
async def direct(postgres: PostgresServer, tmp_path: Path) -> Settings:
    """Settings without the proxy; the rings are made."""
    return await made_rings(postgres, tmp_path)


@pytest.fixture
async def proxy(postgres: PostgresServer) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(postgres.port) as made:
        yield made


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


@pytest.mark.processes
async def test_a_black_hole_does_not_keep_an_application_from_closing(direct: Settings, proxy: TcpProxy) -> None:
    url = make_url(direct.ledger_url).set(port=proxy.port).render_as_string(hide_password=False)
    async with asyncio.timeout(15):  # which one connection alone would wait for an answer
        async with ledger_engine(url) as engine:
            async with engine.connect(), engine.connect(), engine.connect():
                pass
            proxy.is_black_hole = True


async def test_a_server_that_is_far_away(app: App, proxy: TcpProxy) -> None:
    proxy.delay_s = 0.01
    await app.rotate("once")
    assert await app.is_sound()


@pytest.mark.processes
@pytest.mark.parametrize("has_effect", [True, False], ids=["its answer", "the request"])
async def test_a_lost_commit_is_settled_by_the_rotation_s_id(app: App, proxy: TcpProxy, *, has_effect: bool) -> None:
    for passes in range(60):
        await asyncio.sleep(W1_S)  # then the rotation only does its work, and waits for nothing
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
    limited = direct.model_copy(update={"journal_db_url_async": SecretStr(url.render_as_string(hide_password=False))})
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
    restored = direct.model_copy(update={"journal_db_url_async": SecretStr(url.render_as_string(hide_password=False))})
    async with open_container(restored) as container:
        for family in Family:
            with pytest.raises(LedgerBehindError, match="older than the store"):
                await container.reconcile()(family)
    assert await app.is_sound()
