"""A ledger that fails for a while: its tables of rings are named otherwise, which open connections notice, too."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def ledger_away(home: Path) -> Iterator[None]:
    """Have every look at a ring fail until the context ends."""
    _rename(home, "rings", "rings_away")
    try:
        yield
    finally:
        _rename(home, "rings_away", "rings")


def _rename(home: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(home / "ledger.sqlite3", timeout=30)) as ledger, ledger:
        ledger.execute(f"ALTER TABLE {old} RENAME TO {new}")
