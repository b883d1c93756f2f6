"""Hints that a test hears."""

from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.domain.keys import Family


class Heard(MemoryHintBus):
    """Keeps what was published."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[Family, int]] = []

    async def publish(self, family: Family, generation: int) -> None:
        """Keep it, and wake whoever waits."""
        self.told.append((family, generation))
        await super().publish(family, generation)
