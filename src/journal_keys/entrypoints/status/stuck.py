"""Whether anything is stuck, and why."""

from collections.abc import Iterator

from journal_keys.domain.keys import Family
from journal_keys.entrypoints.status.answer import Answer, Verdict
from journal_keys.entrypoints.status.events import waits
from journal_keys.entrypoints.status.sight import Sight
from journal_keys.entrypoints.status.words import Sentence, length
from journal_keys.use_cases.check_health import Health, HealthStatus


def stuck(sight: Sight) -> Answer:
    """Tell all troubles, and what waits in its time."""
    question = "Is anything stuck, and why?"
    troubles, waiting = tuple(_troubles(sight)), tuple(_waiting(sight))
    if troubles:
        told: tuple[Sentence, ...] = tuple((f"Yes: {one}",) for one in troubles)
        return Answer(question=question, verdict=_verdict(sight), sentences=told + waiting)
    no = "No: what waits is in its time" if waiting else "No: nothing is overdue, and no rotation waits"
    return Answer(question=question, verdict=Verdict.GOOD, sentences=((no,), *waiting))


def _verdict(sight: Sight) -> Verdict:
    is_unhealthy = sight.health is not None and sight.health.overall is HealthStatus.UNHEALTHY
    is_whole = sight.report is not None and sight.is_current and all(sight.report.rings.values())
    return Verdict.LOOK if is_whole and not is_unhealthy else Verdict.BAD


def _waiting(sight: Sight) -> Iterator[Sentence]:
    for family, status in sight.report.rings.items() if sight.report else ():
        if status is not None and status.wait is not None and not status.trouble:
            yield (f"{family}:", *waits(status.wait, sight.now))


def _troubles(sight: Sight) -> Iterator[str]:
    if not sight.is_current:
        yield f"the ledger cannot be read: {sight.failure}"
    if sight.report is not None:
        for family in Family:
            yield from (f"{family}: {one}" for one in _of_ring(sight, family))
    yield from _of_store(sight.health)


def _of_ring(sight: Sight, family: Family) -> Iterator[str]:
    status = sight.report.rings[family] if sight.report else None
    part = sight.health.rings[family] if sight.health else None
    if status is None:
        yield "the ring is not made yet; run 'journal-keys init'"
    elif status.trouble:
        yield status.trouble
    elif part is not None and part.reason:
        yield part.reason
    known = sight.known(family)
    if sight.process and known and known.age > sight.process.windows.view_ttl:
        yield f"this process has not confirmed what it holds for {length(known.age)}"


def _of_store(health: Health | None) -> Iterator[str]:
    if health is None:
        yield "whether the secret store answers could not be found out in time"
    elif health.store.reason:
        yield f"the secret store: {health.store.reason}"
