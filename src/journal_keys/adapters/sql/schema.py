"""The revision of the ledger's tables: checking it at start, and bringing it up to date on request."""

from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, column, func, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql.engine import GATE
from journal_keys.adapters.sql.failures import ledger_name
from journal_keys.adapters.sql.sqlite_file import create_private, file_of, is_absent
from journal_keys.adapters.sql.transactions import outside, reading, writing
from journal_keys.ports.ledger import LedgerSchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.config import Config

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every revision that this release knows, oldest first; named here so that a check needs no Alembic (0.2 s)."""

HEAD: Final = REVISIONS[-1]
_VERSION_TABLE: Final = "alembic_version"
_MIGRATION_LOCK: Final = int.from_bytes(b"jkledger", "big")


async def check_schema(engine: AsyncEngine) -> None:
    """Say whether this release can use the tables; change nothing.

    Raises:
        LedgerSchemaError: the file or the tables are missing, older or newer.
        LedgerUnavailableError: no answer.
        LedgerCorruptError: the file is no database.
    """
    async with reading(engine) as connection:
        found = await connection.run_sync(_revision)
    _refuse_other(found, ledger_name(engine.url))


def checked_late(engine: AsyncEngine) -> AsyncEngine:
    """Give the engine with the check of `check_schema` before its first transaction that reaches the ledger.

    Until one has passed, each transaction on what is given raises as `check_schema` does, and changes nothing.
    """
    return engine.execution_options(**{GATE: _Gate(ledger_name(engine.url))})


class _Gate:
    def __init__(self, name: str) -> None:
        self._name = name
        self._is_open = False

    async def __call__(self, connection: AsyncConnection) -> None:
        if not self._is_open:
            _refuse_other(await connection.run_sync(_revision), self._name)
            self._is_open = True


async def revision(engine: AsyncEngine) -> str | None:
    """Give the revision of the tables, None where there are none. Raises as `check_schema`."""
    if is_absent(engine.url):
        return None
    async with reading(engine) as connection:
        return await connection.run_sync(_revision)


async def upgrade(engine: AsyncEngine) -> None:
    """Make file and tables, or migrate them, in one transaction. What is up to date is neither locked nor changed.

    Any number of processes may do this at once.

    Raises:
        LedgerSchemaError: the tables are newer than this release; nothing was changed.
        LedgerUnavailableError: no answer, or the file cannot be made.
        LedgerCorruptError: the file is no database.
    """
    if await revision(engine) == HEAD:
        return
    from alembic import command  # noqa: PLC0415 (0.2 s, which nobody else should wait for: not under the lock)

    path = file_of(engine.url)
    if path:
        create_private(path)
        async with outside(engine) as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    async with writing(engine) as connection:
        if path is None:  # a server has no lock on the whole database that DDL could wait for
            await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        await connection.run_sync(_migrate, command.upgrade)


def alembic_config(connection: Connection) -> "Config":
    """Give Alembic the packaged migrations and this connection, whose transaction stays the caller's."""
    from alembic.config import Config  # noqa: PLC0415 (as above)

    config = Config()
    config.set_main_option("script_location", "journal_keys.adapters.sql:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    found: str | None = connection.scalar(select(column("version_num")).select_from(table(_VERSION_TABLE)))
    return found


def _refuse_other(found: str | None, name: str) -> None:
    if found is None:
        raise LedgerSchemaError(f"ledger {name} has no tables: run 'journal-keys init'")
    _refuse_newer(found)
    if found != HEAD:
        raise LedgerSchemaError(f"ledger {name} has schema {found}, not {HEAD}: run 'journal-keys ledger upgrade'")


def _refuse_newer(found: str) -> None:
    if found not in REVISIONS:
        raise LedgerSchemaError(
            f"ledger schema {found} is newer than this release knows: install a newer journal_keys; nothing was changed"
        )


def _migrate(connection: Connection, climb: "Callable[[Config, str], None]") -> None:
    found = _revision(connection)
    if found is not None:
        _refuse_newer(found)
    if found != HEAD:
        climb(alembic_config(connection), HEAD)
