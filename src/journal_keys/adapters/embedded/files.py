"""Files that are whole or absent: private modes, atomic replacement, one writer at a time."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from journal_keys.ports.secret_store import (
    SecretStoreDeniedError,
    SecretStoreError,
    SecretStoreProtocolError,
    SecretStoreUnavailableError,
)

LOCK_TIMEOUT_S: Final = 10.0
_LOCK_PAUSE_S: Final = 0.002
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_DENIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def translated(failure: OSError, path: Path, doing: str) -> SecretStoreError:
    """Give the port's error for one of the operating system's, naming the file and what was tried."""
    reason = failure.strerror or "failed"
    kind = SecretStoreDeniedError if failure.errno in _DENIED else SecretStoreUnavailableError
    return kind(f"{path} could not be {doing}: {reason}")


def make_private_folder(folder: Path) -> None:
    """Make a folder of mode 0700 whatever the umask, and such parents; one that is there stays as it is.

    Raises:
        SecretStoreError: it cannot be made.
    """
    try:
        for absent in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
            _make_folder(absent)
        folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    except OSError as failure:
        raise translated(failure, folder, "made") from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=_PRIVATE_FOLDER)
    except FileExistsError:
        return  # another process made it meanwhile, or something else is there, which the caller meets
    folder.chmod(_PRIVATE_FOLDER)  # the umask may have taken the owner's rights, too


def read_private(path: Path, *, most: int) -> bytes | None:
    """Give the content of a regular file that only its owner, who is us, can open; None where there is no file.

    Raises:
        SecretStoreDeniedError: a link, another owner's, or open to others; the message says the cure.
        SecretStoreProtocolError: larger than `most`.
        SecretStoreUnavailableError: it cannot be read.
    """
    head = read_head(path, most=most)
    if head is None:
        return None
    if len(head) > most:
        raise SecretStoreProtocolError(f"{path} is larger than {most} bytes")
    return head


def read_head(path: Path, *, most: int) -> bytes | None:
    """Give the beginning of such a file, one byte more than `most` where it has that; None where there is no file.

    Raises:
        SecretStoreDeniedError: a link, another owner's, or open to others; the message says the cure.
        SecretStoreUnavailableError: it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as failure:
        if failure.errno == errno.ELOOP:
            raise SecretStoreDeniedError(f"{path} is a symbolic link: put the file itself there") from None
        raise translated(failure, path, "opened") from None
    try:
        status = os.fstat(descriptor)
        _refuse_public(status, path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(min(status.st_size, most) + 1)  # room for `most` at every read costs milliseconds
    except OSError as failure:
        raise translated(failure, path, "read") from None
    finally:
        os.close(descriptor)


def _refuse_public(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SecretStoreDeniedError(f"{path} is no regular file")
    if status.st_uid != os.geteuid():
        raise SecretStoreDeniedError(f"{path} belongs to user {status.st_uid}: it must be this process's own")
    if status.st_mode & 0o077:
        raise SecretStoreDeniedError(f"{path} is open to other users: run 'chmod 600 {path}'")


def write_private(path: Path, data: bytes, *, replace: bool) -> None:
    """Put a file of mode 0600, whatever the umask, in place, whole and on disk, or leave everything as it was.

    Raises:
        FileExistsError: it is there and `replace` is false.
        SecretStoreError: it cannot be written; the message says why.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.unlink(missing_ok=True)
        _write(beside, data)
        if replace:
            beside.replace(path)
        else:
            os.link(beside, path)
        _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as failure:
        raise translated(failure, path, "written") from None
    finally:
        _remove(beside)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, _PRIVATE_FILE)  # the umask may have taken the owner's rights, too
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # the next writer under the lock removes it


def remove_leftovers(path: Path) -> None:
    """Remove what crashed writers of this file left beside it; the caller holds the lock."""
    for leftover in path.parent.glob(f".{path.name}.*.new"):
        _remove(leftover)


@contextmanager
def locked(path: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Be the only writer of this file among all processes and threads.

    Raises:
        SecretStoreUnavailableError: another writer held on for longer than `timeout_s`.
        SecretStoreDeniedError: the lock file beside it cannot be opened.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = _opened_lock(lock)
    except OSError as failure:
        raise translated(failure, lock, "opened") from None
    try:
        _wait_for_lock(descriptor, lock, timeout_s)
        yield
    finally:
        os.close(descriptor)


def _opened_lock(lock: Path) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(lock, flags | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    except FileExistsError:
        return os.open(lock, flags | os.O_CREAT, _PRIVATE_FILE)  # made again where somebody removed it meanwhile
    os.fchmod(descriptor, _PRIVATE_FILE)  # the umask may have taken the owner's rights, too
    return descriptor


def _wait_for_lock(descriptor: int, lock: Path, timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                raise SecretStoreUnavailableError(f"{lock} was held by another process for {timeout_s:g} s") from None
            time.sleep(_LOCK_PAUSE_S)
        else:
            return
