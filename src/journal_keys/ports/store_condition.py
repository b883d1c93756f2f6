"""How the way to the secret store is."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable


@runtime_checkable
class StoreCondition(Protocol):
    """What this process knows of the way to the store without asking it."""

    @abstractmethod
    def trouble(self) -> str:
        """Say why the store answers late, or not at all, just now; nothing where no reason is known.

        The text holds no secret.
        """
        ...

    @abstractmethod
    def is_silent(self) -> bool:
        """Whether the store gave no answer when last asked: until it does, all calls but probes are refused at once."""
        ...
