"""Rotations as the log tells them, whoever asked for them: each record inside one has its rotation id."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from journal_keys import events
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.outcomes import Rotated
from journal_keys.events import bound
from journal_keys.ports.tracer import Fact, Trace, Tracer, Work


@dataclass(slots=True, eq=False)
class _Told(Trace):
    """What is known of a rotation by now; whoever follows it, too, is told the same."""

    inner: Trace | None
    facts: dict[str, Fact | None] = field(default_factory=dict)

    def add(self, **facts: Fact | None) -> None:
        self.facts |= facts
        if self.inner is not None:
            self.inner.add(**facts)


@dataclass(frozen=True, slots=True)
class ToldWork(Tracer):
    """Tells the log of rotations, and `inner` of everything."""

    inner: Tracer | None = None

    @contextmanager
    def follow(self, work: Work, **facts: Fact) -> Iterator[Trace]:
        """Follow what is done inside."""
        with ExitStack() as stack:
            inner = stack.enter_context(self.inner.follow(work, **facts)) if self.inner else None
            told = _Told(inner, dict(facts))
            if work is Work.ROTATE:
                stack.enter_context(_rotation(told))
            yield told


@contextmanager
def _rotation(told: _Told) -> Iterator[None]:
    with bound(rotation_id=str(told.facts["rotation_id"])):
        try:
            yield
        except JournalKeysError as failure:
            events.ROTATION_FAILED.tell(**told.facts, error=failure)
            raise
        if told.facts.get("outcome") == Rotated.__name__:
            events.ROTATION_DONE.tell(**told.facts)
