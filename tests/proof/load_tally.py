"""What instances under load came to."""

from collections import Counter
from dataclasses import dataclass, field

from tests.proof.load import Batch, Turn

_MOST_TOLD = 20


@dataclass(slots=True, kw_only=True)
class LoadTally:
    """Counts, and everything that is wrong, in words. A rotation is one of both rings."""

    tokens: int = 0
    ciphertexts: int = 0
    read_again: int = 0
    rotations: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    pauses: int = 0
    recoveries: int = 0
    refused: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    def add(self, turn: Turn, *, read: Batch | None, again: Batch | None) -> None:
        """Count a turn in which an instance read a batch, and perhaps an old one again."""
        if read is not None:
            self.tokens += len(read.tokens)
            self.ciphertexts += len(read.ciphertexts)
        if again is not None:
            self.read_again += len(again.tokens) + len(again.ciphertexts)
        self.refused += turn.refused
        self.unreadable += turn.unreadable
        self.wrongs += turn.other

    @property
    def is_clean(self) -> bool:
        """Whether nothing was refused, unreadable or wrong."""
        return not (self.refused or self.unreadable or self.wrongs)

    @property
    def holds(self) -> bool:
        """Whether all is clean, and all that was killed came back."""
        return self.is_clean and self.recoveries == self.kills.total()

    @property
    def lines(self) -> tuple[str, ...]:
        """The figures, the summary last."""
        killed = ", ".join(f"{what} {count} times" for what, count in sorted(self.kills.items())) or "nothing"
        return (
            *[f"wrong: {wrong}" for wrong in (self.refused + self.unreadable + self.wrongs)[:_MOST_TOLD]],
            f"killed: {killed}; back again {self.recoveries}; stopped for a while {self.pauses} times",
            f"read once more when they were old: {self.read_again}; other troubles: {len(self.wrongs)}",
            (
                f"zero-downtime: {self.tokens} tokens, {self.ciphertexts} ciphertexts, {self.rotations} rotations,"
                f" {self.kills.total()} kills, {len(self.refused)} refused, {len(self.unreadable)} unreadable"
            ),
        )
