"""Sealed backups as files of one folder, which the program `age` can open, too."""

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from journal_keys import events
from journal_keys.adapters.embedded import age_form, files
from journal_keys.adapters.embedded.age_form import MOST_FILE_BYTES, MOST_HEADER_BYTES, AgeFormError, AgeHeader
from journal_keys.domain.backup_seal import MOST_CONTENT_BYTES, Opening, Seal, is_name
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.backup_shelf import (
    BackupDamagedError,
    BackupDeniedError,
    BackupExistsError,
    BackupMissingError,
    BackupNameError,
    BackupShelf,
    BackupUnavailableError,
    Shelved,
)
from journal_keys.ports.secret_store import SecretStoreDeniedError, SecretStoreError, SecretStoreProtocolError

_LOCK: Final = "backups"
_LOCK_TIMEOUT_S: Final = 60.0
"""The lock is held while 64 MiB go to a disk, and by every saver before."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class FolderBackupShelf(BackupShelf):
    """Files of mode 0600 in age format v1. The first one makes the folder, of mode 0700. What has a slash is a path.

    Everything runs in a thread. The library holds the interpreter's lock all the same: one to two seconds with a
    passphrase, milliseconds without.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, name: str, content: KeyMaterial, seal: Seal) -> str:
        """Seal, write beside, link, read back."""
        return await asyncio.to_thread(self._save, name, content, seal)

    async def load(self, place: str, opening: Opening) -> KeyMaterial:
        """Look at the file and its header, then open it."""
        return await asyncio.to_thread(self._load, place, opening)

    async def digest(self, place: str) -> str:
        """Look at the file and its header, then hash the whole."""
        return await asyncio.to_thread(self._digest, place)

    async def listed(self) -> Sequence[Shelved]:
        """Read the headers, without a lock; what else lies in the folder has names that no backup has."""
        return await asyncio.to_thread(self._listed)

    def _save(self, name: str, content: KeyMaterial, seal: Seal) -> str:
        file = self._folder / _checked(name)
        if len(content) > MOST_CONTENT_BYTES:
            raise BackupDamagedError(
                f"the backup {file} would hold more than {MOST_CONTENT_BYTES} bytes: it was not written"
            )
        if os.path.lexists(file):  # asked again by the write: a passphrase takes seconds, which this saves
            raise _taken(file)
        data = age_form.sealed(content, seal)
        with _told():
            files.make_private_folder(self._folder)
            with files.locked(self._folder / _LOCK, _LOCK_TIMEOUT_S):
                files.remove_leftovers(file)
                _put(file, data)
        if len(content) >= MOST_CONTENT_BYTES // 2:
            events.BACKUP_NEARLY_TOO_LARGE.tell(backup=name, bytes=len(content), most_bytes=MOST_CONTENT_BYTES)
        return str(file)

    def _load(self, place: str, opening: Opening) -> KeyMaterial:
        file = self._file(place)
        return age_form.opened(_read(file), opening, str(file))

    def _digest(self, place: str) -> str:
        file = self._file(place)
        data = _read(file)
        try:
            age_form.checked_header(data, len(data))
        except AgeFormError as wrong:
            raise BackupDamagedError(f"the backup {file} {wrong}") from None
        return hashlib.sha256(data).hexdigest()

    def _file(self, place: str) -> Path:
        if "/" not in place:
            return self._folder / _checked(place)
        if not place.isprintable():  # NUL and lone surrogates, which no path can have, are among what is not
            raise BackupNameError("the path of a backup has printable characters only")
        return Path(place)

    def _listed(self) -> Sequence[Shelved]:
        try:
            with os.scandir(self._folder) as entries:
                shelved = [_shelved(entry) for entry in entries if is_name(entry.name)]
        except FileNotFoundError:
            return ()
        except OSError as failure:
            failed = files.translated(failure, self._folder, "listed")
            with _told():
                raise failed from None
        return sorted(shelved, key=lambda each: (each.written_at, each.name))


def make_identity(path: Path, *, created_at: datetime | None = None) -> str:
    """Make an age identity file of mode 0600 in a folder that is there, as `age-keygen` does; give its recipient.

    Raises:
        BackupExistsError: there is something; it stays as it is.
        BackupDeniedError, BackupUnavailableError: it cannot be written.
    """
    identity, recipient = age_form.new_identity()
    created = "" if created_at is None else f"# created: {created_at.isoformat(timespec='seconds')}\n"
    text = f"{created}# public key: {recipient}\n".encode("ascii") + expose(identity) + b"\n"
    with _told("the identity file"):
        _put(path, text)
    return recipient


def _put(file: Path, data: bytes) -> None:
    try:
        files.write_private(file, data, replace=False)
    except FileExistsError:
        raise _taken(file) from None
    _prove(file, data)


def _prove(file: Path, data: bytes) -> None:
    """Read back what was written, and remove it where it is anything else."""
    try:
        if files.read_private(file, most=len(data)) == data:
            return
    except SecretStoreError:
        pass  # a file that cannot be read back is as good as none
    with suppress(OSError):
        file.unlink(missing_ok=True)
    raise BackupUnavailableError(f"{file} does not read back as it was written: it was removed")


def _read(file: Path) -> bytes:
    with _told():
        data = files.read_private(file, most=MOST_FILE_BYTES)
    if data is None:
        raise BackupMissingError(f"there is no backup {file}")
    return data


def _shelved(entry: os.DirEntry[str]) -> Shelved:
    status = entry.stat(follow_symlinks=False)
    header = _header(Path(entry.path), status)
    return Shelved(
        name=entry.name,
        size_bytes=status.st_size,
        written_at=_moment(status.st_mtime_ns),
        sealed_for="unreadable" if header is None else header.sealed_for,
        recipients=0 if header is None else header.recipients,
    )


def _header(path: Path, status: os.stat_result) -> AgeHeader | None:
    """Give what a header says; None for whatever `load` would refuse at sight."""
    if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_FILE_BYTES:
        return None  # not opened: that does something to a device
    try:
        head = files.read_head(path, most=MOST_HEADER_BYTES)
        return None if head is None else age_form.checked_header(head, status.st_size)
    except (SecretStoreError, AgeFormError):
        return None


def _moment(unix_ns: int) -> datetime:
    """Give the moment, or the nearest that `datetime` has: a file may claim any."""
    try:
        return _EPOCH + timedelta(microseconds=unix_ns // 1000)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if unix_ns > 0 else datetime.min.replace(tzinfo=UTC)


def _checked(name: str) -> str:
    if not is_name(name):
        raise BackupNameError("a backup's name is 1 to 100 of A-Z a-z 0-9 . _ - and begins with a letter or a digit")
    return name


def _taken(file: Path) -> BackupExistsError:
    return BackupExistsError(f"{file} is there already: it was not changed")


@contextmanager
def _told(what: str = "the backup") -> Iterator[None]:
    """Tell of a file in this port's errors; the functions on files know the vault's only."""
    try:
        yield
    except SecretStoreDeniedError as failure:
        raise BackupDeniedError(f"{what} {failure}") from None
    except SecretStoreProtocolError as failure:
        raise BackupDamagedError(f"{what} {failure}") from None
    except SecretStoreError as failure:
        raise BackupUnavailableError(f"{what} {failure}") from None
