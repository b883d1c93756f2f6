"""What the demonstration counts."""

from collections.abc import MutableSequence, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Final, Self

FIELDS: Final = 7
"""How many counts there are."""


@dataclass(slots=True)
class Tally:
    """Counts since the start; `tokens_refused` and `ciphertexts_unreadable` must stay zero."""

    tokens_signed: int = 0
    tokens_refused: int = 0
    ciphertexts_made: int = 0
    ciphertexts_unreadable: int = 0
    rotations: int = 0
    kills: int = 0
    recoveries: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Give the sum of both."""
        return Tally(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def write(self, board: MutableSequence[int]) -> None:
        """Put the counts into shared memory."""
        board[:] = astuple(self)

    @classmethod
    def read(cls, board: Sequence[int]) -> Self:
        """Take the counts out of shared memory."""
        return cls(*board)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was refused and nothing was unreadable."""
        return self.tokens_refused == 0 and self.ciphertexts_unreadable == 0

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)
