"""Where sealed backups are put, and found again."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from journal_keys.domain.backup_seal import BackupError, Opening, Seal
from journal_keys.domain.material import KeyMaterial

SealedFor = Literal["recipients", "passphrase", "unreadable"]


class BackupMissingError(BackupError):
    """There is no such backup."""


class BackupExistsError(BackupError):
    """There is something of this name: nothing was changed."""


class BackupDamagedError(BackupError):
    """What is there is no age file, cut off, changed, too large, or too costly to open."""


class BackupKeyError(BackupError):
    """The backup is not sealed for what it was to be opened with."""


class BackupDeniedError(BackupError):
    """What is there is a link, no regular file, another user's, or open to other users; or it may not be touched."""


class BackupUnavailableError(BackupError):
    """The backup cannot be read or written now."""


class BackupSealError(BackupError):
    """A recipient, an identity or a passphrase is malformed; the message says which, and nothing of its text."""


class BackupNameError(BackupError):
    """No backup may be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """What can be told of a backup without opening it. `recipients` is 0 where it is not sealed for any."""

    name: str
    size_bytes: int
    written_at: datetime
    sealed_for: SealedFor
    recipients: int


@runtime_checkable
class BackupShelf(Protocol):
    """Backups by name, in one place. A name has the form of `domain.backup_seal.is_name`.

    A place is what `save` gave, or a bare name; another adapter may take more. Messages name the backup and never hold
    its content, a passphrase or an identity. Every method may raise `BackupUnavailableError` and `BackupDeniedError`.
    """

    @abstractmethod
    async def save(self, name: str, content: KeyMaterial, seal: Seal) -> str:
        """Seal this and keep it under a new name, whole or not at all; give its place.

        Raises:
            BackupNameError: `name` is not of the form.
            BackupDamagedError: the content has more than 64 MiB: it could not be loaded again.
            BackupSealError: a recipient is malformed, there are none or more than 16, or the passphrase is empty or no
                UTF-8.
            BackupExistsError: the name is taken; what has it stays as it is.
        """
        ...

    @abstractmethod
    async def load(self, place: str, opening: Opening) -> KeyMaterial:
        """Give what was saved, whole.

        Raises:
            BackupNameError: the place is none that a backup could have.
            BackupMissingError: there is none.
            BackupDamagedError: it is not what was saved.
            BackupSealError: an identity is malformed, there are none, or the passphrase is empty or no UTF-8.
            BackupKeyError: it is sealed for other identities, with another passphrase, or in the other way.
        """
        ...

    @abstractmethod
    async def digest(self, place: str) -> str:
        """Give the SHA-256 of the sealed backup, 64 digits of lower-case hex; no key is needed.

        Raises:
            BackupNameError, BackupMissingError, BackupDamagedError: as for `load`; damage may go unnoticed.
        """
        ...

    @abstractmethod
    async def listed(self) -> Sequence[Shelved]:
        """Give all backups, ordered by the moment they were written, then by name; no key is needed.

        One that cannot be read is "unreadable" and keeps no other one from being listed.
        """
        ...
