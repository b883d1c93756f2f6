"""Who follows a piece of work from its begin to its end."""

from abc import abstractmethod
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

Fact: TypeAlias = str | int


class Work(StrEnum):
    """What is followed."""

    ROTATE = "rotate"
    FETCH = "fetch"
    WEBHOOK = "webhook"


@runtime_checkable
class Trace(Protocol):
    """One piece of work that is being followed."""

    @abstractmethod
    def add(self, **facts: Fact | None) -> None:
        """Add what is known by now; of what is None, nothing."""
        ...


@runtime_checkable
class Tracer(Protocol):
    """Follows work of one process. No method raises by itself, waits, or is given a secret."""

    @abstractmethod
    def follow(self, work: Work, **facts: Fact) -> AbstractContextManager[Trace]:
        """Follow what is done inside. An exception that leaves it is how it ended, and goes on as it is."""
        ...
