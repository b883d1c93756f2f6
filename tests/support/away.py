"""A ledger that fails for a while: its tables of rings are named otherwise, which open connections notice, too."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path


@contextmanager
def ledger_away(home: Path) -> Iterator[None]:
    """Have every look at a ring fail until the context ends."""
    _rename(home, "rings", "rings_away")
    try:
        yield
    finally:
        _rename(home, "rings_away", "rings")


@asynccontextmanager
async def ledger_away_meanwhile(home: Path) -> AsyncIterator[None]:
    """As `ledger_away`, where the service runs in the test's own loop and may have a transaction under way."""
    await asyncio.to_thread(_rename, home, "rings", "rings_away")
    try:
        yield
    finally:
        await asyncio.to_thread(_rename, home, "rings_away", "rings")


def _rename(home: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(home / "ledger.sqlite3", timeout=30)) as ledger, ledger:
        ledger.execute(f"ALTER TABLE {old} RENAME TO {new}")
