"""The operating system's random bytes."""

import os

from journal_keys.ports.entropy import Entropy

_MOST = 1024


class SystemEntropy(Entropy):
    """`getrandom` or its like."""

    def token(self, size: int) -> bytes:
        """Give random bytes."""
        if not 1 <= size <= _MOST:
            raise ValueError(f"entropy gives 1 to {_MOST} bytes at once, not {size}")
        return os.urandom(size)
