"""A place for recently read secrets that several instances share, behind the memory of each."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedSecret:
    """A value, and how long ago somebody asked the store for it."""

    value: KeyMaterial
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacancy:
    """There is no value. Whoever loads it from now on may hand it in with this.

    `mark` is the adapter's own; where it is None, nothing will be kept.
    """

    path: SecretPath
    since_unix_s: float
    mark: str | None = None


Found: TypeAlias = SharedSecret | Vacancy


@runtime_checkable
class SharedSecretCache(Protocol):
    """Secrets by path, each for its time to live. Losing it costs latency only: no method raises.

    What a ring owns is never kept: private keys do not leave the store this way.
    """

    @abstractmethod
    async def look_up(self, path: SecretPath) -> Found:
        """Give the value, if somebody kept one within its time to live, or leave to keep one."""
        ...

    @abstractmethod
    async def keep(self, vacancy: Vacancy, value: KeyMaterial) -> None:
        """Keep a value that was loaded after this vacancy was found; its time began then.

        Nothing is kept if anything was forgotten, by whichever instance, since.
        """
        ...

    @abstractmethod
    async def forget(self, prefix: SecretPath | None) -> None:
        """Forget this path and all below it, or, for None, everything.

        Where that cannot be done now, this instance finds nothing until it is done.
        """
        ...
