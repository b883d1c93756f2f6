"""Private folders that children run in."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

from journal_keys.adapters.infisical_cli.argv import VALUE_FILE
from journal_keys.adapters.infisical_cli.process import ChildHeldUpError
from journal_keys.ports.secret_store import SecretStoreUnavailableError

_THE_PIPE: Final = "/proc/self/fd/0"


class Folders:
    """An empty folder, and one with nothing but the link to the inherited pipe, until the context ends.

    Both are made again, under another name, once either is gone: what cleans the system's folder of temporary files
    does not know that they are in use.
    """

    def __init__(self) -> None:
        self._made = ExitStack()
        self._root: Path | None = None
        self._is_over = False

    def empty(self) -> Path:
        """Give the empty folder.

        Raises:
            ChildHeldUpError: there is none, and none can be made now.
            SecretStoreUnavailableError: the context has ended.
        """
        return self._whole() / "empty"

    def with_link(self) -> Path:
        """Give the folder with the link `VALUE_FILE`.

        Raises:
            ChildHeldUpError: there is none, and none can be made now.
            SecretStoreUnavailableError: the context has ended.
        """
        return self._whole() / "value"

    def _whole(self) -> Path:
        if self._is_over:
            raise SecretStoreUnavailableError("the store is closed")
        root = self._root
        if root is None or not ((root / "empty").is_dir() and (root / "value" / VALUE_FILE).is_symlink()):
            try:
                self._root = root = self._new()
            except OSError as failure:
                raise ChildHeldUpError(failure.strerror or type(failure).__name__) from None
        return root

    def _new(self) -> Path:
        root = Path(self._made.enter_context(TemporaryDirectory(prefix="journal_keys-")))
        for folder in (root / "empty", root / "value"):
            folder.mkdir(mode=0o700)
        (root / "value" / VALUE_FILE).symlink_to(_THE_PIPE)
        return root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._made.close()
