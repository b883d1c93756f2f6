"""Opening the ledger's database, with the settings under which SQLite keeps its promises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final
from weakref import WeakSet

import aiosqlite
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from journal_keys.adapters.sql.sqlite_file import check_private, existing_file_uri, file_identity, file_of
from journal_keys.ports.ledger import LedgerUnavailableError

BUSY_TIMEOUT_S: Final = 10.0
BEGIN: Final = "journal_keys_begin"
"""Execution option: the statement that begins a transaction on SQLite, empty for none."""

GATE: Final = "journal_keys_gate"
"""Execution option: an asynchronous function of the connection that a transaction has to get past first."""

_CONNECTIONS: Final = 5
_CONNECT_S: Final = 5.0
_ANSWER_S: Final = 15.0
"""How long a server may take for one answer: more than it waits for a lock."""
_LEAVE_S: Final = 2.0
"""How long closing waits for a server that says nothing."""

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_FILE: Final = "journal_keys_file"
"""What a connection keeps: the file that it has open."""

_PRAGMAS: Final = ("PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")


@asynccontextmanager
async def ledger_engine(url: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine that has connected to nothing yet; afterwards no connection and no thread of it is left.

    Errors never show parameters. On SQLite each connection waits 10 s for a lock, syncs every commit, checks foreign
    keys, begins its transactions itself (sqlite3 begins them too late: two writers would read the same state), and
    opens only a file that exists and is closed to other users. One whose file was deleted, moved or replaced is not
    used again: it would go on in a ledger that nobody else sees. On PostgreSQL there are up to ten connections; each
    waits 5 s for the server, 10 s for a lock and 15 s for an answer; closing them takes 2 s at most.

    Raises:
        LedgerUnavailableError: the URL is malformed, of another database or driver, or of SQLite without a file.
    """
    threads: list[Thread] = []
    connections = WeakSet[Any]()
    engine = _create(url, threads, connections)
    try:
        yield engine
    finally:
        await _close(engine, connections)
        await asyncio.to_thread(_join, threads)


async def _close(engine: AsyncEngine, connections: WeakSet[Any]) -> None:
    """Take leave of the server on each connection; where it says nothing, end what is left without."""
    try:
        async with asyncio.timeout(_LEAVE_S if connections else None):
            await engine.dispose()
    except TimeoutError:
        for connection in connections:
            connection.terminate()


def _join(threads: list[Thread]) -> None:
    """Let each thread give its last answer while there is still a loop to take it."""
    for thread in threads:
        thread.join(BUSY_TIMEOUT_S)


def _create(url: str, threads: list[Thread], connections: WeakSet[Any]) -> AsyncEngine:
    try:
        parsed = _with_driver(make_url(url))
        path = file_of(parsed)
        if path:
            return _sqlite_engine(parsed, path, threads)
        return _postgresql_engine(parsed, connections)
    except (ArgumentError, ImportError):
        raise LedgerUnavailableError(
            "unusable ledger URL: expected sqlite+aiosqlite:///<path>, or postgresql+asyncpg://<user>@<host>/<database>"
            " with the extra 'postgres' installed"
        ) from None


def _with_driver(url: URL) -> URL:
    """Name the drivers that ledgers are kept with.

    Raises:
        ArgumentError: another one.
    """
    chosen = _DRIVERS.get(url.drivername)
    if chosen is None:
        raise ArgumentError("no ledger is kept there")
    return url.set(drivername=chosen)


def _postgresql_engine(url: URL, connections: WeakSet[Any]) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",  # each transaction names its own; between them the pool asks without one
        pool_pre_ping=True,
        pool_size=_CONNECTIONS,
        max_overflow=_CONNECTIONS,
        pool_timeout=BUSY_TIMEOUT_S,
        connect_args={
            "timeout": _CONNECT_S,
            "command_timeout": _ANSWER_S,
            "server_settings": {
                "application_name": "journal_keys",
                "lock_timeout": f"{BUSY_TIMEOUT_S:g}s",
                "idle_in_transaction_session_timeout": f"{_ANSWER_S:g}s",
            },
        },
    )
    event.listen(engine.sync_engine, "connect", lambda opened, _record: connections.add(opened.driver_connection))
    return engine


def _sqlite_engine(url: URL, path: Path, threads: list[Thread]) -> AsyncEngine:
    options = {"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    engine = create_async_engine(url, hide_parameters=True, connect_args=options)

    def open_existing(_dialect: object, record: ConnectionPoolEntry, cargs: list[str], cparams: dict[str, Any]) -> None:
        record.info[_FILE] = file_identity(path)
        check_private(path)
        cargs[0] = existing_file_uri(path)
        cparams["uri"] = True
        cparams["async_creator_fn"] = connect

    def check_file(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info[_FILE] != file_identity(path):
            raise DisconnectionError("the ledger is another file than the one that is open")

    def connect(*args: Any, **kwargs: Any) -> aiosqlite.Connection:  # noqa: ANN401 (whatever sqlite3 takes)
        connection = aiosqlite.connect(*args, **kwargs)
        thread = connection._thread  # noqa: SLF001 (a cancelled connect leaves nothing else to wait for)
        thread.daemon = True
        threads[:] = [*(one for one in threads if one.is_alive()), thread]
        return connection

    event.listen(engine.sync_engine, "do_connect", open_existing)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "checkout", check_file)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "invalidate", _roll_back)
    return engine


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(BEGIN, "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)


def _roll_back(connection: DBAPIConnection, _record: object, _error: object) -> None:
    # A cancelled statement may leave a cursor alive, and then closing the connection keeps the write lock until that
    # is collected (sqlite.org/c3ref/close.html on sqlite3_close_v2).
    connection.rollback()
