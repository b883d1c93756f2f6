"""Followed work in memory: the last pieces of it, for whoever looks."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from journal_keys.ports.tracer import Fact, Trace, Tracer, Work

_MOST: int = 256


@dataclass(slots=True, eq=False)
class Followed(Trace):
    """What was told of one piece of work, and the class of the exception that ended it."""

    work: Work
    facts: dict[str, Fact]
    failed: str = ""

    def add(self, **facts: Fact | None) -> None:
        """Add what is known by now."""
        self.facts |= {name: fact for name, fact in facts.items() if fact is not None}


@dataclass(slots=True)
class MemoryTracer(Tracer):
    """Keeps what has ended, the last at the end."""

    ended: deque[Followed] = field(default_factory=lambda: deque(maxlen=_MOST))

    @contextmanager
    def follow(self, work: Work, **facts: Fact) -> Iterator[Followed]:
        """Follow what is done inside."""
        followed = Followed(work, dict(facts))
        try:
            yield followed
        except BaseException as error:
            followed.failed = type(error).__name__
            raise
        finally:
            self.ended.append(followed)
