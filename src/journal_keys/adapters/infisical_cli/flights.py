"""Reads of folders, shared by those who ask before the child is started."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeAlias

from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import FolderContent, SecretStoreUnavailableError

Read: TypeAlias = Callable[[SecretPath, Callable[[], None]], Coroutine[None, None, FolderContent]]
"""Read a folder, calling the callback right before the question goes out."""


class Flights:
    """One child per folder, however many ask for it at once.

    Who asks after the child was started gets the next one: its answer may be older than a write that came between.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._waiting: dict[SecretPath, asyncio.Task[FolderContent]] = {}
        self._aloft: set[asyncio.Task[FolderContent]] = set()  # the loop itself holds tasks weakly

    async def __call__(self, folder: SecretPath) -> FolderContent:
        """Give the folder as it is now or later.

        Raises:
            SecretStoreError: as `read` does.
            SecretStoreUnavailableError: it was given up by `end`.
        """
        task = self._waiting.get(folder) or self._depart(folder)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            asker = asyncio.current_task()
            if task.cancelled() and asker is not None and not asker.cancelling():
                raise SecretStoreUnavailableError("the store was closed before it answered") from None
            raise

    async def end(self) -> None:
        """Give up every read, and wait until its child is gone."""
        for task in self._aloft:
            task.cancel()
        await asyncio.gather(*self._aloft, return_exceptions=True)

    def _depart(self, folder: SecretPath) -> asyncio.Task[FolderContent]:
        task = asyncio.create_task(self._read(folder, lambda: self._close(folder, task)))
        self._waiting[folder] = task
        self._aloft.add(task)
        task.add_done_callback(lambda _: self._land(folder, task))
        return task

    def _close(self, folder: SecretPath, task: asyncio.Task[FolderContent]) -> None:
        if self._waiting.get(folder) is task:
            del self._waiting[folder]

    def _land(self, folder: SecretPath, task: asyncio.Task[FolderContent]) -> None:
        """Look at the result, so that a read whose callers were all cancelled raises nothing later."""
        self._close(folder, task)
        self._aloft.discard(task)
        if not task.cancelled():
            task.exception()
