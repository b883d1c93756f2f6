"""Tokens in a file: JSON, `{"tokens": [{"name": …, "sha256": …, "scopes": [… ]}]}`.

It holds digests of 256 random bits, so that who reads it opens nothing; who writes it does.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from journal_keys.adapters.embedded.files import locked, write_private
from journal_keys.domain import canonical
from journal_keys.domain.access import Grant
from journal_keys.domain.errors import InvalidNameError
from journal_keys.domain.scopes import Scope
from journal_keys.ports.grants import Grants, GrantsError

_MOST_BYTES: Final = 256 * 1024
Stamp: TypeAlias = tuple[int, int, int]


@dataclass(slots=True)
class FileGrants(Grants):
    """Looks whether the file is another one at each question, and reads it where it is."""

    path: Path
    _read: tuple[Stamp, tuple[Grant, ...]] | None = field(default=None, init=False)

    def current(self) -> Sequence[Grant]:
        """Give the file's; none where there is no file.

        Raises:
            GrantsError: it cannot be read, is malformed, or may be written by others than its owner.
        """
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return ()
        except OSError as failure:
            raise self._error(failure.strerror or "it cannot be read") from None
        stamp = (status.st_ino, status.st_ctime_ns, status.st_size)  # the last change of content, owner or mode
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, self._loaded()
        return self._read[1]

    def add(self, grant: Grant) -> None:
        """Put one more into the file; it is made where it is not there.

        Raises:
            InvalidNameError: one of this name is there.
            GrantsError: as `current`.
            SecretStoreError: the file cannot be written; it stays as it was.
        """
        with locked(self.path):
            known = self.current()
            if grant.name in {one.name for one in known}:
                raise InvalidNameError(f"there is a token {grant.name}: remove it first, or choose another name")
            self._write((*known, grant))

    def remove(self, name: str) -> None:
        """Take one out of the file.

        Raises:
            InvalidNameError: there is none of this name.
            GrantsError, SecretStoreError: as `add`.
        """
        with locked(self.path):
            known = self.current()
            if name not in {one.name for one in known}:
                raise InvalidNameError(f"there is no token {name}")
            self._write(tuple(one for one in known if one.name != name))

    def _write(self, grants: Sequence[Grant]) -> None:
        tokens = [{"name": one.name, "sha256": one.digest, "scopes": sorted(one.scopes)} for one in grants]
        write_private(self.path, canonical.to_json({"tokens": tokens}).encode("ascii") + b"\n", replace=True)

    def _loaded(self) -> tuple[Grant, ...]:
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                data = file.read(_MOST_BYTES + 1)
        except OSError as failure:
            raise self._error(failure.strerror or "it cannot be read") from None
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o022:
            raise self._error(f"others may write it: run 'chmod go-w {self.path}'")
        try:
            return _parsed(data)
        except (ValueError, TypeError, KeyError, InvalidNameError):
            pass  # raised from here, the refusal would carry the content along
        raise self._error('expected {"tokens": [{"name": …, "sha256": …, "scopes": […]}]}, each name once')

    def _error(self, why: str) -> GrantsError:
        return GrantsError(f"the tokens in {self.path} cannot be used: {why}")


def _parsed(data: bytes) -> tuple[Grant, ...]:
    if len(data) > _MOST_BYTES:
        raise ValueError("too large")
    document = canonical.from_json(data.decode("utf-8"))
    grants = tuple(_grant(one) for one in _exactly(document, {"tokens"})["tokens"])
    if len({grant.name for grant in grants}) != len(grants):
        raise ValueError("a name comes twice")
    return grants


def _grant(document: Any) -> Grant:  # noqa: ANN401 (as it stands in the file)
    members = _exactly(document, {"name", "sha256", "scopes"})
    scopes = members["scopes"]
    if not isinstance(scopes, list):
        raise TypeError("scopes are a list")
    return Grant(
        name=str(members["name"]), digest=str(members["sha256"]), scopes=frozenset(Scope(scope) for scope in scopes)
    )


def _exactly(document: Any, names: set[str]) -> dict[str, Any]:  # noqa: ANN401 (likewise)
    if not isinstance(document, dict) or document.keys() != names:
        raise ValueError("other members")
    return document
