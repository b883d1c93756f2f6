"""Where secret material is kept: Infisical, or the embedded vault."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from journal_keys.domain.errors import PortError
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, SecretPath


class SecretStoreError(PortError):
    """The secret store did not keep its promise."""


class SecretNotFoundError(SecretStoreError):
    """The store answered, and holds no such secret."""


class SecretStoreDeniedError(SecretStoreError):
    """The store knows us and does not let us do this."""


class SecretHiddenError(SecretStoreError):
    """The store answers as if nothing were there, or with a mask: that is no proof of absence."""


class SecretStoreUnavailableError(SecretStoreError):
    """No answer: the call may or may not have had its effect."""


class SecretStoreProtocolError(SecretStoreError):
    """An answer that the store should never give: corrupt, foreign, of another version."""


class PendingApprovalError(SecretStoreError):
    """The write waits for a person's approval in the store."""


class WriteOnceConflictError(SecretStoreError):
    """A write-once name already holds other content: somebody else's key, or tampering."""


@dataclass(frozen=True, slots=True, eq=False)
class FolderContent:
    """Every secret of one folder, by name, the marker included; sub-folders are not entered."""

    folder: SecretPath
    secrets: Mapping[str, KeyMaterial] = field(repr=False)

    @property
    def is_marked(self) -> bool:
        """Whether our marker is there, so that absence of another name means absence."""
        return MARKER_NAME in self.secrets

    def require_marked(self) -> "FolderContent":
        """Give this content, if absence in it can be believed.

        Raises:
            SecretHiddenError: the marker is not there.
        """
        if not self.is_marked:
            raise SecretHiddenError(
                f"folder {self.folder} shows no {MARKER_NAME} marker: it is missing, hidden or another"
                " environment's; run 'journal-keys init' if it was never set up"
            )
        return self


def folder_of(values: Mapping[SecretPath, KeyMaterial]) -> SecretPath | None:
    """Give the folder of all these secrets; None where there are none.

    Raises:
        ValueError: they are of several folders.
    """
    folders = {path.folder for path in values}
    if len(folders) > 1:
        raise ValueError(f"secrets of one folder are set at once, not of {len(folders)}")
    return folders.pop() if folders else None


@runtime_checkable
class SecretStore(Protocol):
    """A tree of named secrets. What one call wrote, the next `read_folder` of any process shows.

    Every method may raise `SecretStoreDeniedError`, `SecretStoreUnavailableError` (the effect is then unknown) and
    `SecretStoreProtocolError`; none of them leaves a half-written secret.
    """

    @abstractmethod
    async def read_folder(self, folder: SecretPath) -> FolderContent:
        """Read one folder past every cache. A folder that nobody made reads as empty."""
        ...

    @abstractmethod
    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        """Create a write-once secret, and its folder where it is missing. The same content again changes nothing.

        Raises:
            WriteOnceConflictError: the name holds other content, which stays.
        """
        ...

    @abstractmethod
    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Set secrets of one folder, whatever they were, and create the folder where it is missing.

        Where this fails, each of them holds its old or its new value. Nothing to set is nothing done.

        Raises:
            ValueError: they are of several folders.
        """
        ...

    @abstractmethod
    async def delete(self, path: SecretPath) -> None:
        """Remove a secret; one that is not there stays so."""
        ...
