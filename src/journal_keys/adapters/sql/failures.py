"""What a driver's error means for the ledger. Its text, the statement and its parameters go no further."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from journal_keys.ports.ledger import LedgerCorruptError, LedgerError, LedgerSchemaError, LedgerUnavailableError

_REBUILD: Final = "move it away with its -wal and -shm files and run 'journal-keys recover', or restore it"
_OWN: Final = "run as the user whose file it is, and let that user write to file and folder ('chmod u+w')"
_MEANINGS: Final = (
    ("SQLITE_NOTADB", LedgerCorruptError, f"is no SQLite file, or a damaged one: {_REBUILD}"),
    ("SQLITE_CORRUPT", LedgerCorruptError, f"is damaged: {_REBUILD}"),
    ("SQLITE_CONSTRAINT", LedgerCorruptError, "holds rows that contradict this change; nothing was changed"),
    ("SQLITE_BUSY", LedgerUnavailableError, "is locked by another process: expected the lock within 10 s"),
    ("SQLITE_FULL", LedgerUnavailableError, "cannot grow: free space on its disk and try again"),
    ("SQLITE_READONLY", LedgerUnavailableError, f"cannot be written: {_OWN}"),
    ("SQLITE_CANTOPEN", LedgerUnavailableError, f"cannot be opened: {_OWN}"),
    (
        "SQLITE_IOERR",
        LedgerUnavailableError,
        "cannot be read or written: free space on its disk, or look for its faults",
    ),
)
"""Error names of SQLite (sqlite.org/rescode.html), by prefix; extended codes begin with the primary one."""


def ledger_name(url: URL) -> str:
    """Name the ledger in a message: its URL without password and query."""
    return url.set(query={}).render_as_string(hide_password=True)


def meaning(error: SQLAlchemyError, name: str) -> LedgerError:
    """Say what a failed statement, connection or pool means to the caller."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if str(cause).startswith(("no such table", "no such column")):
        return LedgerSchemaError(f"the tables of ledger {name} are missing: run 'journal-keys init'")
    code = str(getattr(cause, "sqlite_errorname", ""))
    for prefix, kind, text in _MEANINGS:
        if code.startswith(prefix):
            return kind(f"ledger {name} {text}")
    return LedgerUnavailableError(f"ledger {name} gave no answer: expected a database that takes statements")


@contextmanager
def translated(engine: AsyncEngine) -> Iterator[None]:
    """Turn SQLAlchemy's errors into the ledger's, without their text."""
    try:
        yield
    except SQLAlchemyError as error:
        raise meaning(error, ledger_name(engine.url)) from None
