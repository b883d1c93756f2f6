"""Tokens that are handed in."""

from collections.abc import Sequence
from dataclasses import dataclass

from journal_keys.domain.access import Grant
from journal_keys.ports.grants import Grants


@dataclass(frozen=True, slots=True)
class MemoryGrants(Grants):
    """The same ones all the time; none by default."""

    grants: tuple[Grant, ...] = ()

    def current(self) -> Sequence[Grant]:
        """Give them."""
        return self.grants
