"""Which binary is run: found once, looked at before every call, its version asked when the file changes."""

import os
import shutil
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from journal_keys.adapters.infisical_cli import argv, wire
from journal_keys.ports.secret_store import SecretStoreDeniedError

Ask: TypeAlias = Callable[[str, argv.Argv], Awaitable[bytes]]
"""Run a program with arguments that need neither network nor token, and give its standard output."""

_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_FULLY_KNOWN: Final = (0, 42)
_KNOWN_BUT_FOR_FLAGS: Final = (0, 43)


class UnusableBinaryError(SecretStoreDeniedError):
    """The CLI is missing, could be replaced by somebody else, or is of a version whose behaviour is not known."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What changes when a file is replaced."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: _Stamp
    version: tuple[int, int, int] | None
    may_write: bool


@dataclass(slots=True, kw_only=True)
class Binary:
    """The CLI, looked for at its first use: at `named`, or on `search_path`.

    It belongs to one of `owners`: root or the user of this process. `trusts_any_version` lets an unknown version write.
    """

    named: Path | None
    search_path: str
    ask: Ask
    trusts_any_version: bool = False
    owners: frozenset[int] = field(default_factory=lambda: frozenset({0, os.geteuid()}))
    _path: Path | None = field(default=None, init=False)
    _known: _Known | None = field(default=None, init=False)

    @property
    def path(self) -> Path:
        """The absolute path of the file itself.

        Raises:
            UnusableBinaryError: there is none.
        """
        if self._path is None:
            self._path = find(self.named, self.search_path)
        return self._path

    async def checked(self, *, for_writing: bool) -> str:
        """Give the path to run.

        Raises:
            UnusableBinaryError: it is missing, somebody else could have written it, or its version may not do this.
        """
        known = await self._look()
        if for_writing and not (known.may_write or self.trusts_any_version):
            raise UnusableBinaryError(
                f"{self.path} is of version {_dotted(known.version)}: this package writes with 0.42.x and 0.43.x only;"
                " JOURNAL_INFISICAL_CLI_ANY_VERSION=true lets it try"
            )
        return str(self.path)

    async def version(self) -> str:
        """Give the version as text, `unknown` where the binary does not say.

        Raises:
            UnusableBinaryError: as `checked`.
        """
        return _dotted((await self._look()).version)

    async def _look(self) -> _Known:
        stamp = _inspect(self.path, self.owners)
        if self._known is None or self._known.stamp != stamp:
            version = wire.parse_version(await self.ask(str(self.path), argv.VERSION))
            self._known = _Known(stamp, version, may_write=await self._may_write(version))
        return self._known

    async def _may_write(self, version: tuple[int, int, int] | None) -> bool:
        if version is None:
            return False
        if version[:2] == _FULLY_KNOWN:
            return True
        return version[:2] == _KNOWN_BUT_FOR_FLAGS and await self._knows_our_flags()

    async def _knows_our_flags(self) -> bool:
        for arguments, flags in argv.PROBES.items():
            words = (await self.ask(str(self.path), arguments)).decode("utf-8", "replace").split()
            if not set(flags) <= set(words):
                return False
        return True


def find(path: Path | None, search_path: str) -> Path:
    """Give the absolute path of the file itself, links resolved: the one that was named, or `infisical` on PATH.

    Raises:
        UnusableBinaryError: there is none.
    """
    found = str(path) if path is not None else shutil.which("infisical", path=search_path)
    if found is None:
        raise UnusableBinaryError("'infisical' is not on PATH: install CLI 0.42.1, or set JOURNAL_INFISICAL_CLI_PATH")
    try:
        return Path(found).resolve(strict=True)
    except OSError as failure:
        raise UnusableBinaryError(f"the CLI {found} cannot be used: {failure.strerror}") from None


def _inspect(path: Path, owners: frozenset[int]) -> _Stamp:
    """Look at the file and its folder.

    Raises:
        UnusableBinaryError: it is no executable file, or somebody else could replace it.
    """
    try:
        file, folder = path.stat(), path.parent.stat()
    except OSError as failure:
        raise UnusableBinaryError(f"the CLI {path} cannot be used: {failure.strerror}") from None
    if not stat.S_ISREG(file.st_mode) or not os.access(path, os.X_OK):
        raise UnusableBinaryError(f"the CLI {path} is no executable file")
    is_sticky = folder.st_mode & stat.S_ISVTX  # of a folder: others may add to it and take nothing away
    for name, found, is_safe in ((path, file, False), (path.parent, folder, is_sticky)):
        if found.st_uid not in owners:
            raise UnusableBinaryError(f"{name} belongs to another user: expected root or the user of this process")
        if found.st_mode & _OTHERS_MAY_WRITE and not is_safe:
            raise UnusableBinaryError(f"{name} can be written by others: expected a mode without group and world write")
    return _Stamp(file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, file.st_ctime_ns)


def _dotted(version: tuple[int, int, int] | None) -> str:
    return "unknown" if version is None else ".".join(map(str, version))
