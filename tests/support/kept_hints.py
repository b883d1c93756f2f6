"""Hints that are kept for whoever looks."""

from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.domain.keys import Family


class KeptHints(MemoryHintBus):
    """Keeps which ring has which generation now, as it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[Family, int]] = []

    async def publish(self, family: Family, generation: int) -> None:
        """Keep it, and wake whoever waits."""
        self.published.append((family, generation))
        await super().publish(family, generation)
