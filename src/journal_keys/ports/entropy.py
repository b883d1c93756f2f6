"""Random bytes."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable


@runtime_checkable
class Entropy(Protocol):
    """Bytes that nobody can predict, and that no two calls share."""

    @abstractmethod
    def token(self, size: int) -> bytes:
        """Give `size` random bytes, 1 ≤ size ≤ 1,024.

        Raises:
            ValueError: another size.
        """
        ...
