"""A question and its answer, before it is known who reads it."""

from dataclasses import dataclass
from enum import StrEnum

from journal_keys.entrypoints.status.words import Sentence, plain


class Verdict(StrEnum):
    """How a thing stands, the worst last."""

    GOOD = "good"
    UNKNOWN = "not known"
    LOOK = "look here"
    BAD = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question, how the thing stands, and the answer in one sentence or several, without their full stops."""

    question: str
    verdict: Verdict
    sentences: tuple[Sentence, ...]

    @property
    def is_well(self) -> bool:
        """Whether nobody has to look."""
        return self.verdict not in {Verdict.LOOK, Verdict.BAD}

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentences as plain text."""
        return tuple(f"{plain(sentence)}." for sentence in self.sentences)

    @property
    def says(self) -> str:
        """All of it as plain text."""
        return " ".join(self.lines)
