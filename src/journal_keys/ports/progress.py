"""Telling somebody how far long work is."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Never raises, never waits, and is never given a secret."""

    @abstractmethod
    def __call__(self, doing: str, done: int, total: int) -> None:
        """Say what is being done, and how much of it is done."""
        ...


class Silent(Progress):
    """Tells nobody."""

    def __call__(self, doing: str, done: int, total: int) -> None:
        """Say nothing."""
