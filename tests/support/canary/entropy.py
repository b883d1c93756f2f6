"""Seeded bytes that the canaries know."""

from journal_keys.adapters.memory.entropy import SeededEntropy
from tests.support.canary.watch import WATCH

_KEY_BYTES = 32


class WatchedEntropy(SeededEntropy):
    """As seeded entropy; what has the size of a key is looked for wherever the test shows something."""

    def token(self, size: int) -> bytes:
        """Give the next bytes of this seed."""
        made = super().token(size)
        WATCH.known.add([made] if size == _KEY_BYTES else [])
        return made
