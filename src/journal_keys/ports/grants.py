"""Which tokens open the admin plane."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from journal_keys.domain.access import Grant
from journal_keys.domain.errors import PortError


class GrantsError(PortError):
    """The tokens cannot be read: nobody is let in by one."""


@runtime_checkable
class Grants(Protocol):
    """Tokens by their digests."""

    @abstractmethod
    def current(self) -> Sequence[Grant]:
        """Give those that count now: one that was taken away is gone from the next answer on.

        Raises:
            GrantsError: they cannot be read, or are malformed.
        """
        ...
