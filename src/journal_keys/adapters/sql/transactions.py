"""Transactions on the ledger: a consistent look, or the only change of its moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journal_keys.adapters.sql.engine import BEGIN
from journal_keys.adapters.sql.failures import translated


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Look at one state of the ledger, whatever others commit meanwhile."""
    with translated(engine):
        async with engine.begin() as connection:
            yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Change the ledger as the only writer (SQLite: from the first statement on), wholly or not at all."""
    with translated(engine):
        async with engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"}).begin() as connection:
            yield connection


@asynccontextmanager
async def outside(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Talk to SQLite outside any transaction."""
    with translated(engine):
        async with engine.execution_options(**{BEGIN: ""}).connect() as connection:
            yield connection
