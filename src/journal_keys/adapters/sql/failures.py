"""What a driver's error means for the ledger. Its text, the statement and its parameters go no further."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from journal_keys.ports.ledger import LedgerCorruptError, LedgerError, LedgerSchemaError, LedgerUnavailableError


class ContestedError(LedgerUnavailableError):
    """The database gave this transaction up for another's sake and rolled it back: it may be made again."""


class TooSlowError(LedgerUnavailableError):
    """The transaction took so long that its moments were old before anybody could see them; it was rolled back."""


_REBUILD: Final = "move it away with its -wal and -shm files and run 'journal-keys recover', or restore it"
_OWN: Final = "run as the user whose file it is, and let that user write to file and folder ('chmod u+w')"
_Meanings: TypeAlias = tuple[tuple[str, type[LedgerError], str], ...]
_MEANINGS: Final[_Meanings] = (
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

_SERVER_MEANINGS: Final[_Meanings] = (
    ("40001", ContestedError, "was changed by others at every try: nothing was changed"),
    ("40P01", ContestedError, "was locked by others in another order at every try: nothing was changed"),
    ("42P01", LedgerSchemaError, "lacks tables: run 'journal-keys init'"),
    ("42703", LedgerSchemaError, "lacks columns: run 'journal-keys init'"),
    ("42501", LedgerUnavailableError, "refuses this user: grant what docs/postgresql.md lists"),
    ("23", LedgerCorruptError, "holds rows that contradict this change; nothing was changed"),
    ("25006", LedgerUnavailableError, "takes no changes: expected the primary server, not a replica"),
    ("28", LedgerUnavailableError, "does not let this user in: expected a user and password that it knows"),
    ("3D000", LedgerUnavailableError, "does not exist on that server: make it with 'createdb'"),
    ("53100", LedgerUnavailableError, "cannot grow: free space on its disk and try again"),
    ("53", LedgerUnavailableError, "has no room for another connection or statement: try again"),
    ("55P03", LedgerUnavailableError, "is locked by another process: expected the lock within 10 s"),
    ("57", LedgerUnavailableError, "is starting, stopping, or ended this statement: try again"),
    ("XX", LedgerCorruptError, "is damaged: look at the server's log, and restore it"),
)
"""SQLSTATE codes of PostgreSQL (postgresql.org/docs/15/errcodes-appendix.html), by prefix, the longer ones first."""


def ledger_name(url: URL) -> str:
    """Name the ledger in a message: its URL without password and query."""
    return url.set(query={}).render_as_string(hide_password=True)


def meaning(error: Exception, name: str) -> LedgerError:
    """Say what a failed statement, connection or pool means to the caller."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if str(cause).startswith(("no such table", "no such column")):
        return LedgerSchemaError(f"the tables of ledger {name} are missing: run 'journal-keys init'")
    code, table = str(getattr(cause, "sqlite_errorname", "")), _MEANINGS
    if not code:
        code, table = str(getattr(cause, "sqlstate", "") or ""), _SERVER_MEANINGS
    for prefix, kind, text in table:
        if code.startswith(prefix):
            return kind(f"ledger {name} {text}")
    return LedgerUnavailableError(f"ledger {name} gave no answer: expected a database that takes statements")


@contextmanager
def translated(engine: AsyncEngine) -> Iterator[None]:
    """Turn the errors of SQLAlchemy, and those that a driver lets through, into the ledger's, without their text.

    Raises:
        LedgerError: what `meaning` says.
    """
    try:
        yield
    except Exception as error:
        if _is_of_the_database(error):
            raise meaning(error, ledger_name(engine.url)) from None
        raise


def _is_of_the_database(error: Exception) -> bool:
    """A driver's own errors come up where a connection is made, and time-outs and socket errors anywhere."""
    is_drivers = any(_is_in_driver(kind.__module__) for kind in type(error).__mro__)
    return is_drivers or isinstance(error, (SQLAlchemyError, OSError, TimeoutError)) or _was_raised_in_driver(error)


def _was_raised_in_driver(error: Exception) -> bool:
    """What is no answer of a server makes the driver stumble: a TypeError, an AssertionError, whatever comes."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and _is_in_driver(frames[-1].f_globals.get("__name__", ""))


def _is_in_driver(module: str) -> bool:
    return module.partition(".")[0] == "asyncpg"
