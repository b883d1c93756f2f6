"""A place for recently read secrets that only saves time."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, runtime_checkable

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath


@runtime_checkable
class SecretCache(Protocol):
    """Secrets by path, each for its time to live. Losing it costs latency only."""

    @abstractmethod
    async def get(self, path: SecretPath, load: Callable[[SecretPath], Awaitable[KeyMaterial]]) -> KeyMaterial:
        """Give the cached value, or what `load` gives.

        Callers of one path that miss at the same time share one `load`. When it fails with a `JournalKeysError` other
        than `SecretNotFoundError`, a value that expired within the stale bound is given instead.
        """
        ...

    @abstractmethod
    def peek(self, path: str) -> str | None:
        """Give the cached value of this path as text, where it is text and within its time; never load.

        Anything that is no path has no value.
        """
        ...

    @abstractmethod
    def keep_stale(self, path: SecretPath, value: KeyMaterial, age: timedelta) -> None:
        """Keep a value that was read `age` ago, to be given only when a load fails, until the stale bound since then.

        A value that may be given for longer stays.
        """
        ...

    @abstractmethod
    async def invalidate(self, prefix: SecretPath | None) -> int:
        """Forget this path and all below it, or, for None, everything; give how many values of this process went.

        A load under way is not kept. Where instances share secrets, they are forgotten there, too.
        """
        ...

    @abstractmethod
    def forget(self, prefix: SecretPath | None) -> int:
        """As `invalidate`, in this process only: somebody else said that it was done where instances share secrets."""
        ...
