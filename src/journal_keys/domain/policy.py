"""When a ring's key is due, and with which algorithm its successor is made."""

from dataclasses import dataclass
from datetime import timedelta

from journal_keys.domain.errors import PolicyError
from journal_keys.domain.keys import ALGORITHMS, Algorithm, Family


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPolicy:
    """How often the ACTIVE key of one ring is replaced.

    Raises:
        PolicyError: at construction, when the algorithm is not the family's or the interval is not positive.
    """

    family: Family
    interval: timedelta
    algorithm: Algorithm

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS[self.family]:
            expected = ", ".join(sorted(ALGORITHMS[self.family]))
            raise PolicyError(f"{self.algorithm} is no algorithm of ring {self.family}: expected {expected}")
        if self.interval <= timedelta(0):
            raise PolicyError(f"the rotation interval of ring {self.family} is {self.interval}, not > 0")
