"""What a series of kills came to."""

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from tests.proof.survivor import READY_S, Reading


@dataclass(slots=True, kw_only=True)
class KillTally:
    """The counts, and everything that is wrong, in words."""

    kills: int = 0
    ready: int = 0
    took_s: list[float] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    half_files: int = 0
    read: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)

    def add_reading(self, reading: Reading, ciphertexts: int) -> None:
        """Count what one survivor could read."""
        self.read.update(
            tokens=reading.alive, refused=reading.refused, ciphertexts=ciphertexts, unreadable=reading.unreadable
        )

    @property
    def longest_s(self) -> float:
        """From a kill to the moment when a new process had signed, encrypted and found itself healthy."""
        return max(self.took_s, default=0.0)

    @property
    def is_sound(self) -> bool:
        """Whether every kill was recovered from, however long that took, and nothing is lost or wrong."""
        return self.ready == self.kills > 0 and not (self.read["refused"] or self.read["unreadable"] or self.wrongs)

    @property
    def has_read(self) -> bool:
        """Whether there were tokens still alive, which could have been refused, and ciphertexts."""
        return self.read["tokens"] > 0 and self.read["ciphertexts"] > 0

    @property
    def holds(self) -> bool:
        """Whether it is sound, something was read, and every recovery was in time."""
        return self.is_sound and self.has_read and self.longest_s <= READY_S

    @property
    def lines(self) -> tuple[str, ...]:
        """The figures, the summary last."""
        half = f"killed with half a vault file beside the vault: {self.half_files}"
        return (
            *self.wrongs,
            *(f"killed {where}: {count}" for where, count in sorted(self.struck.items())),
            *([half] if self.half_files else []),
            f"tokens read {self.read['tokens']}, ciphertexts read {self.read['ciphertexts']}",
            f"ready again within {statistics.median(self.took_s or [0]):.2f} s after half of the kills",
            (
                f"kills {self.kills}, ready again {self.ready} (longest {self.longest_s:.1f} s),"
                f" tokens refused {self.read['refused']}, ciphertexts unreadable {self.read['unreadable']}"
            ),
        )

    def __iadd__(self, other: "KillTally") -> Self:
        self.kills += other.kills
        self.ready += other.ready
        self.took_s += other.took_s
        self.struck += other.struck
        self.half_files += other.half_files
        self.read += other.read
        self.wrongs += other.wrongs
        return self
