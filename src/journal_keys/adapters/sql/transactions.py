"""Transactions on the ledger: a consistent look, or the only change of its moment."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql.engine import BEGIN, GATE
from journal_keys.adapters.sql.failures import ContestedError, TooSlowError, translated
from journal_keys.ports.ledger import LedgerUnavailableError

T = TypeVar("T")
_MOST_CONTESTED: Final = 5
_MOST_SLOW: Final = 20
_READING: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""By database: those that ledgers are kept on, and no other."""

_GLANCING: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {BEGIN: ""},
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
}

_WRITING: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {BEGIN: "BEGIN IMMEDIATE"},
    "postgresql": {"isolation_level": "READ COMMITTED"},  # behind the clock's row lock everybody sees the last state
}


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Look at one state of the ledger, whatever others commit meanwhile."""
    async with _begun(engine, _READING) as connection:
        yield connection


@asynccontextmanager
async def glancing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Ask a single question, which sees one state by itself: a third of the round trips of `reading`."""
    async with _begun(engine, _GLANCING) as connection:
        yield connection


async def change(engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Let `work` change the ledger as the only writer, wholly or not at all, and give what it gives.

    A transaction that the database gave up for another's sake is made again as a whole, up to five times; so is one
    that took too long to carry the moments that it was given, up to twenty times.

    Raises:
        LedgerError: as `translated`; nothing was changed, unless the answer to the COMMIT itself was lost.
    """
    left = {ContestedError: _MOST_CONTESTED, TooSlowError: _MOST_SLOW}
    while True:
        try:
            async with writing(engine) as connection:
                return await work(connection)
        except (ContestedError, TooSlowError) as failure:
            left[type(failure)] -= 1
            if not left[type(failure)]:
                raise


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Begin a transaction that changes the ledger. On SQLite nobody else writes from its first statement on."""
    async with _begun(engine, _WRITING) as connection:
        yield connection


@asynccontextmanager
async def outside(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Talk to SQLite outside any transaction."""
    with translated(engine):
        async with engine.execution_options(**{BEGIN: ""}).connect() as connection:
            yield connection


@asynccontextmanager
async def _begun(engine: AsyncEngine, by_database: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[AsyncConnection]:
    with translated(engine):
        async with engine.execution_options(**_options(engine, by_database)).begin() as connection:
            await _pass_gate(engine, connection)
            yield connection


async def _pass_gate(engine: AsyncEngine, connection: AsyncConnection) -> None:
    gate = engine.sync_engine.get_execution_options().get(GATE)
    if gate is not None:
        await gate(connection)


def _options(engine: AsyncEngine, by_database: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    name = engine.dialect.name
    if name not in by_database:
        raise LedgerUnavailableError(f"no ledger is kept on {name}: expected an engine for {' or '.join(by_database)}")
    return by_database[name]
