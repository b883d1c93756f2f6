"""The file of a SQLite ledger: made by `upgrade` only, readable by its owner only."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL

from journal_keys.adapters.sql.failures import ledger_name
from journal_keys.ports.ledger import LedgerAbsentError, LedgerUnavailableError


def file_of(url: URL) -> Path | None:
    """Give the absolute path of a SQLite ledger, None for a server.

    Raises:
        LedgerUnavailableError: the URL names no file, as `sqlite://` or `:memory:` do.
    """
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise LedgerUnavailableError(f"ledger {ledger_name(url)} is no file: expected sqlite+aiosqlite:///<path>")
    return Path(url.database).absolute()


def is_absent(url: URL) -> bool:
    """Whether a SQLite ledger's file is not there; of a server's database nothing is known yet."""
    path = file_of(url)
    return path is not None and not os.path.lexists(path)


def existing_file_uri(path: Path) -> str:
    """Give the URI with which SQLite opens the file and never makes one (sqlite.org/uri.html)."""
    return f"file:{quote(str(path))}?mode=rw"


def check_private(path: Path) -> None:
    """Refuse a file that is absent or open to anybody but its owner, as the vault does.

    Raises:
        LedgerAbsentError: there is no such file.
        LedgerUnavailableError: it cannot be looked at, or others may read or write it.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise LedgerAbsentError(f"ledger {path} does not exist: run 'journal-keys init'") from None
    except OSError:
        raise LedgerUnavailableError(
            f"ledger {path} cannot be looked at: expected a folder that this user may enter"
        ) from None
    if mode & 0o077:
        raise LedgerUnavailableError(
            f"ledger {path} has mode {mode:04o}, open to other users: expected 0600, run 'chmod 600 {path}'"
        )


def file_identity(path: Path) -> tuple[int, int] | None:
    """Give device and number of the file that has this name now; None where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def create_private(path: Path) -> None:
    """Make the file with mode 0600, and its folder with 0700, where they are absent.

    SQLite gives the `-wal` and `-shm` files the mode of the file itself. A file that exists is not opened: closing it
    would drop the locks that SQLite holds on it in this process (sqlite.org/howtocorrupt.html §2.2).

    Raises:
        LedgerUnavailableError: the folder or the file cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError:
        raise LedgerUnavailableError(
            f"ledger {path} cannot be made: expected a folder that this user may write to"
        ) from None
