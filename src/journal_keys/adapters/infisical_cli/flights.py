"""Reads of folders, shared by those who ask before the child is started."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import FolderContent

Read: TypeAlias = Callable[[SecretPath, Callable[[], None]], Awaitable[FolderContent]]
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
        """
        return await asyncio.shield(self._waiting.get(folder) or self._depart(folder))

    async def end(self) -> None:
        """Give up every read, and wait until its child is gone."""
        for task in self._aloft:
            task.cancel()
        await asyncio.gather(*self._aloft, return_exceptions=True)

    def _depart(self, folder: SecretPath) -> asyncio.Task[FolderContent]:
        task = asyncio.create_task(self._fly(folder))
        self._waiting[folder] = task
        self._aloft.add(task)
        task.add_done_callback(self._land)
        return task

    async def _fly(self, folder: SecretPath) -> FolderContent:
        task = asyncio.current_task()

        def close() -> None:
            if self._waiting.get(folder) is task:
                del self._waiting[folder]

        try:
            return await self._read(folder, close)
        finally:
            close()

    def _land(self, task: asyncio.Task[FolderContent]) -> None:
        """Look at the result, so that a read whose callers were all cancelled raises nothing later."""
        self._aloft.discard(task)
        if not task.cancelled():
            task.exception()
