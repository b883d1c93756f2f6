"""The secrets of the running test: the one it was given, those it has made, and those that imports of tests made."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.canary import vaults
from tests.support.canary.search import Haystack

PLANTED_IN: Final = "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"
"""The variable in which each test is given a secret of its own: every object of settings reads it."""
_MOST: Final = 128
_HALF: Final = 16


@dataclass(slots=True)
class Known:
    """Bounded: of very many secrets the newest are looked for, and the planted one always."""

    _imported: dict[bytes, None] = field(default_factory=dict)
    _made: dict[bytes, None] = field(default_factory=dict)
    _masters: set[bytes] = field(default_factory=set)
    _is_importing: bool = True
    planted: bytes = b""

    def __len__(self) -> int:
        return len(self._made)

    def forget(self) -> None:
        """Forget the last test's."""
        self._is_importing = False
        self._made.clear()
        self._masters.clear()

    def plant(self) -> str:
        """Give the next test a secret of its own, as text: whatever it makes, there is something to look for."""
        self.planted = os.urandom(_HALF).hex().encode("ascii")
        return self.planted.decode("ascii")

    def add(self, secrets: Iterable[bytes]) -> None:
        """Look for these too."""
        known = self._imported if self._is_importing else self._made
        for secret in secrets:
            known[secret] = None
        while len(known) > _MOST:
            del known[next(iter(known))]

    def add_master(self, text: bytes) -> None:
        """Look for a vault's master key that was handed in, and open vaults with it."""
        key = vaults.master_key(text)
        if key:
            self._masters.add(key)
            self.add([key])

    def learn(self, path: Path) -> None:
        """Get to know the keys in a file, if it is a vault that can be opened."""
        self.add(vaults.keys_in(path, self._masters))

    def haystack(self) -> Haystack:
        """Give what to search with."""
        made = Haystack()
        for secret in (self.planted, *self._imported, *self._made):
            made.add(secret)
        return made
