"""What the demonstration counts."""

from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import datetime, timedelta
from typing import Final, Self

from journal_keys.domain.changes import AuditFact
from journal_keys.domain.keys import Family, Kid

_INTERNAL: Final = ("tokens_read", "ciphertexts_read", "not_told")
_SECONDS_PER_ROTATION: Final = 6
_MOST_ASKED: Final = 2
_ONE_IN: Final = 10


@dataclass(slots=True)
class Tally:
    """Counts since the start; `tokens_refused` and `ciphertexts_unreadable` must stay zero.

    `not_told` counts the reads that came too late: the token's life was over, or the view was too old to tell.
    """

    tokens_signed: int = 0
    tokens_refused: int = 0
    ciphertexts_made: int = 0
    ciphertexts_unreadable: int = 0
    rotations: int = 0
    kills: int = 0
    recoveries: int = 0
    tokens_read: int = 0
    ciphertexts_read: int = 0
    not_told: int = 0

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

    def as_dict(self) -> dict[str, int]:
        """The seven counts that are shown, by name."""
        return {name: count for name, count in asdict(self).items() if name not in _INTERNAL}


FIELDS: Final = len(fields(Tally))
"""How many counts there are."""


def rotations_asked(seconds: float) -> int:
    """Give how often each ring must rotate for a run to show anything: once per 6 s, at most twice."""
    return min(_MOST_ASKED, int(seconds // _SECONDS_PER_ROTATION))


def waits_of(facts: Iterable[AuditFact]) -> dict[Family, list[timedelta]]:
    """Give, for each ring's promotions behind its first, how long the key had been published."""
    published: dict[Kid | None, datetime] = {}
    waits: dict[Family, list[timedelta]] = {family: [] for family in Family}
    for fact in facts:
        if fact.action == "key_published":
            published[fact.kid] = fact.at
        elif fact.action == "key_promoted" and fact.family is not None:
            waits[fact.family].append(fact.at - published[fact.kid])
    return {family: each[1:] for family, each in waits.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a demonstration came to: its counts, and how long each promoted key had been published."""

    tally: Tally
    seconds: float
    waits: Mapping[Family, Sequence[timedelta]]
    w1: timedelta

    def faults(self) -> list[str]:
        """Say what is against the claim that rotation cost nothing; nothing is, where the list is empty."""
        return [*self._of_counts(), *self._of_rotations()]

    def _of_counts(self) -> list[str]:
        tally = self.tally
        reads = tally.tokens_read + tally.ciphertexts_read
        checks = {
            f"{tally.tokens_refused} tokens were refused": tally.tokens_refused == 0,
            f"{tally.ciphertexts_unreadable} ciphertexts were unreadable": tally.ciphertexts_unreadable == 0,
            "no token was verified": tally.tokens_read > 0,
            "no ciphertext was decrypted": tally.ciphertexts_read > 0,
            f"{tally.not_told} reads gave no answer, more than one in {_ONE_IN}": tally.not_told * _ONE_IN <= reads,
            f"{tally.kills} rotators were killed, {tally.recoveries} recovered": tally.kills == tally.recoveries,
        }
        return [fault for fault, is_well in checks.items() if not is_well]

    def _of_rotations(self) -> Iterator[str]:
        asked = rotations_asked(self.seconds)
        for family, waits in self.waits.items():
            if len(waits) < asked:
                yield f"ring {family} rotated {len(waits)} times: expected {asked} in {self.seconds:g} s"
            if any(wait < self.w1 for wait in waits):
                shortest_s, w1_s = min(waits).total_seconds(), self.w1.total_seconds()
                yield f"ring {family} promoted a key {shortest_s:g} s after its publication: expected {w1_s:g} s"
