"""A search for inputs that a parser does not refuse as documented, or reads as what they are not."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final, Generic, TypeAlias, TypeVar

T = TypeVar("T")
_KEPT: Final = 5
_MOST_SHOWN: Final = 2_000


class Refusal(Enum):
    """What stands for the documented error where outcomes are compared."""

    REFUSED = "refused"


REFUSED: Final = Refusal.REFUSED
Labelled: TypeAlias = tuple[str, T]
"""An input, and what makes it again: seed and number, or its place in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Generic[T]):
    """A parser under its public entry, the errors that it documents, and an independent opinion on what it reads.

    `read` gives REFUSED where the parser says so with a value. `fault` is given the input and what was read (or
    REFUSED) and says what is wrong with that, None for nothing. `share` is the number of inputs for each seed.
    """

    name: str
    make: Callable[[Random], T]
    read: Callable[[T], object]
    refusals: tuple[type[Exception], ...]
    fault: Callable[[T, object], str | None]
    share: int


@dataclass(slots=True)
class Tally:
    """What became of one target's inputs. A finding names the input, what makes it again, and what happened."""

    name: str
    refusals: tuple[type[Exception], ...] = ()
    refused: int = 0
    read: int = 0
    misread: int = 0
    uncaught: int = 0
    findings: tuple[str, ...] = ()

    @property
    def tried(self) -> int:
        """How many inputs were given to the parser."""
        return self.refused + self.read + self.misread + self.uncaught

    @property
    def summary(self) -> str:
        """The figures in words."""
        errors = " or ".join(error.__name__ for error in self.refusals) or "a reason"
        return f"{self.name}: inputs {self.tried}, refused with {errors} {self.refused}, rightly read {self.read}"

    @property
    def holds(self) -> bool:
        """Whether nothing was found, by inputs of which some were refused and some were read."""
        return self.misread == self.uncaught == 0 and self.refused > 0 and self.read > 0

    def found(self, label: str, given: object, what: str) -> None:
        """Keep the first few findings."""
        if len(self.findings) < _KEPT:
            self.findings += (f"{self.name}, {label}: {what}: {_shown(given)}",)


def generated(target: Target[T], seed: int, count: int | None = None) -> Iterator[Labelled[T]]:
    """Give a seed's inputs, each of which its label alone makes again."""
    for number in range(target.share if count is None else count):
        yield f"seed {seed}/{number}", remade(target, seed, number)


def remade(target: Target[T], seed: int, number: int) -> T:
    """Make the input of this seed and number."""
    return target.make(Random(f"{target.name}/{seed}/{number}"))


def search(target: Target[T], inputs: Iterable[Labelled[T]], tally: Tally | None = None) -> Tally:
    """Give every input to the parser and add up what became of it."""
    tally = tally or Tally(target.name, target.refusals)
    for label, given in inputs:
        try:
            got = target.read(given)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (any other is what is searched for)
            if not _is_documented(error, target.refusals):
                tally.uncaught += 1
                tally.found(label, given, f"uncaught {type(error).__qualname__}: {str(error)!r}")
                continue
            got = REFUSED
        _judge(target, tally, label, given, got)
    return tally


def _is_documented(error: BaseException, refusals: tuple[type[Exception], ...]) -> bool:
    """Whether it is the error that is promised; that a UnicodeError is a ValueError too is nobody's promise."""
    return isinstance(error, refusals) and not isinstance(error, UnicodeError)


def _judge(target: Target[T], tally: Tally, label: str, given: T, got: object) -> None:
    fault = target.fault(given, got)
    if fault is not None:
        tally.misread += 1
        tally.found(label, given, fault)
    elif got is REFUSED:
        tally.refused += 1
    else:
        tally.read += 1


def _shown(given: object) -> str:
    text = repr(given)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text)} characters)"


def differs_from(expected: Callable[[T], object]) -> Callable[[T, object], str | None]:
    """Judge by an independent reader of the same inputs, which gives REFUSED or a value; True is not 1 here."""

    def fault(given: T, got: object) -> str | None:
        wanted = expected(given)
        if repr(got) == repr(wanted):
            return None
        return f"read as {_shown(got)}, and an independent check says {_shown(wanted)}"

    return fault
