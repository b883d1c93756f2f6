"""What happens to a ring next, when and why then, and what a rotation waits for."""

from collections.abc import Iterator
from datetime import datetime

from journal_keys.domain.keys import KeyState
from journal_keys.domain.status import NextEvent, Obstacle, RingStatus, Wait
from journal_keys.entrypoints.status.words import Code, Moment, Sentence, length


def why(status: RingStatus, event: NextEvent) -> str:
    """Say why this happens at that time; empty where no time decides it."""
    if event.at is None:
        return ""
    if status.ring.get(event.kid).state is not KeyState.PRE_ACTIVATION:
        return "the time W2 has passed then since it was demoted"
    if status.wait is not None:
        return status.wait.because
    if event.at == status.due_at:
        return f"the key in use is due then, {length(status.due_at - status.ring.active.since)} after it came into use"
    return "its window W1 ends then, and the key in use is due before"


def told(status: RingStatus, event: NextEvent, now: datetime) -> Sentence:
    """Say what happens to which key, when, and why then."""
    what: Sentence = (Code(event.kid), event.what.removeprefix("it ") + ",")
    if event.at is None:
        return (*what, "at no set time")
    if event.at <= now:
        return (*what, "at the next pass of the scheduler or of reconcile, since", Moment(event.at, now))
    return (*what, Moment(event.at, now), f": {why(status, event)}")


def next_in(status: RingStatus, now: datetime) -> Iterator[Sentence]:
    """Give what a time decides first; where that is not the next rotation, that as well."""
    staged = status.ring.staged
    if staged is None:
        yield ("no key is staged; the next pass of reconcile stages one",)
        return
    first = next(event for event in status.upcoming if event.at is not None)
    rotation = next(event for event in status.upcoming if event.kid == staged.kid)
    yield from (told(status, event, now) for event in dict.fromkeys([first, rotation]))


def waits(wait: Wait, now: datetime) -> Sentence:
    """Say since when a rotation waits, for what, and when it goes on."""
    begun: Sentence = ("a rotation waits since", Moment(wait.since, now), f": {wait.because}")
    if wait.obstacle in {Obstacle.PASS, Obstacle.STAGING}:
        return begun
    return (*begun, "; it goes on", Moment(wait.until, now))
