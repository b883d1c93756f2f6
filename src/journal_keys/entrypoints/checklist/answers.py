"""What a line of a checklist is, and how it is answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from journal_keys.entrypoints.checklist.facts import Facts


class Checklist(StrEnum):
    """Which list of the integration guide."""

    DEPLOYMENT = "deployment"
    TESTING = "testing"
    SECURITY = "security audit"


class Status(StrEnum):
    """How a line is answered."""

    OK = "ok"
    FAILED = "failed"
    BY_HAND = "by hand"
    """No program can know it."""
    NOT_NEEDED = "not needed"
    """It is about something that this installation does without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found, or what a person has to look at; no secret. `cure` is empty where nothing is to be mended."""

    status: Status
    found: str
    cure: str = ""


Check = Callable[[Facts], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: which list it is in, its words, and what answers it."""

    checklist: Checklist
    text: str
    check: Check


def ok(found: str) -> Answer:
    """Nothing is to be done."""
    return Answer(status=Status.OK, found=found)


def failed(found: str, cure: str) -> Answer:
    """Something is to be mended, in this way."""
    return Answer(status=Status.FAILED, found=found, cure=cure)


def by_hand(found: str) -> Answer:
    """A person has to look."""
    return Answer(status=Status.BY_HAND, found=found)


def not_needed(found: str) -> Answer:
    """There is nothing to look at."""
    return Answer(status=Status.NOT_NEEDED, found=found)


def left_to_people(found: str) -> Check:
    """Give the check of a line that is a person's in every installation."""

    async def check(_facts: Facts) -> Answer:
        return by_hand(found)

    return check
