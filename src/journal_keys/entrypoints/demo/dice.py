"""Chance for the demonstration, from the entropy port."""

from dataclasses import dataclass

from journal_keys.ports.entropy import Entropy


@dataclass(frozen=True, slots=True)
class Dice:
    """Draws of evenly spread numbers."""

    entropy: Entropy

    def fraction(self) -> float:
        """Give a number ≥ 0 and < 1."""
        return int.from_bytes(self.entropy.token(6), "big") / 2**48

    def index(self, count: int) -> int:
        """Give a whole number ≥ 0 and < count."""
        return int(self.fraction() * count)
