"""Bytes that a seed decides: for tests that must come out the same again."""

import hashlib

from journal_keys.ports.entropy import Entropy

_MOST = 1024


class SeededEntropy(Entropy):
    """SHA-256 over seed and counter. Never for keys that anybody relies on."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn = 0

    def token(self, size: int) -> bytes:
        """Give the next bytes of this seed."""
        if not 1 <= size <= _MOST:
            raise ValueError(f"entropy gives 1 to {_MOST} bytes at once, not {size}")
        blocks = b""
        while len(blocks) < size:
            self._drawn += 1
            blocks += hashlib.sha256(f"{self._seed}/{self._drawn}".encode()).digest()
        return blocks[:size]
