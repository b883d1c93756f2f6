"""What a service counted, in the words in which it is shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from journal_keys.adapters.prometheus.counts import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the service counted that `of` names; or None, and why that is not known."""

    of: str
    counts: Counts | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Sums:
    """One sum for each value of a label; `empty` is what is said where all of them are 0."""

    caption: str
    head: str
    """What the label is."""
    numbers: Mapping[str, int]
    empty: str

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """Those above 0, by name."""
        return tuple((name, number) for name, number in sorted(self.numbers.items()) if number)


def sums_of(counts: Counts) -> Iterator[Sums]:
    """Give what is shown of caches, store and webhooks, in this order."""
    yield Sums("Fetches of secrets and folders, by what answered", "Answered by", counts.fetches, "None.")
    yield Sums("Failures of the store at these", "Failure", counts.failures, "None.")
    yield Sums("Questions to Redis, by what became of them", "Result", counts.redis, "None was asked.")
    yield Sums("Webhooks, by what became of them", "Result", counts.webhooks, "None has come.")
    yield Sums("Reads of what is older than the last migration", "Format", counts.old_formats, "None.")
