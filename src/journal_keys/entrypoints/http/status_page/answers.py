"""The six questions of whoever looks at the page for the first time, and their answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family
from journal_keys.domain.status import NextEvent, RingStatus, StatusReport
from journal_keys.entrypoints.http.status_page.look import Known, Look
from journal_keys.entrypoints.http.status_page.rings import reason_of
from journal_keys.entrypoints.http.status_page.words import Code, Moment, Sentence, Verdict, length, listed
from journal_keys.use_cases.check_health import HealthStatus

_VERBS: Final = {Family.JWT: "signs", Family.AES: "encrypts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question, how the thing stands, and the answer in one sentence or several."""

    question: str
    verdict: Verdict
    sentences: tuple[Sentence, ...]


def answers(look: Look) -> tuple[Answer, ...]:
    """Give all six."""
    return (
        *(_key_in_use(look, family) for family in Family),
        _next(look),
        _stuck(look),
        _agreement(look),
        _audit(look),
    )


def _key_in_use(look: Look, family: Family) -> Answer:
    question = f"Which key {_VERBS[family]} now, and since when?"
    known = look.known[family]
    if look.report is None:
        verdict, sentence = Verdict.UNKNOWN, _last_seen(look, family, known)
    elif status := look.report.rings[family]:
        key = status.ring.active
        verdict = Verdict.GOOD
        sentence = (Code(key.kid), f"({key.algorithm}) {_VERBS[family]}, since", Moment(key.since, look.now))
    else:
        verdict, sentence = Verdict.BAD, (f"None: there is no {family} ring. Run 'journal-keys init'",)
    return Answer(question=question, verdict=verdict, sentences=(sentence,))


def _last_seen(look: Look, family: Family, known: Known | None) -> Sentence:
    if known is None:
        return (f"Not known: the ledger does not answer, and this process never saw the {family} ring",)
    lasts = look.windows.oldest_signer_view
    goes_on = f"{_VERBS[family]} with it until that is {length(lasts)} old"
    over = f"no longer {_VERBS[family]}, as that is more than {length(lasts)} old"
    is_in_time = known.has_material and known.age <= lasts
    return (
        "The ledger does not answer.",
        Code(known.ring.active.kid),
        "was in use since",
        Moment(known.ring.active.since, look.at),
        "when it last did,",
        Moment(known.confirmed_at, look.at),
        f"; this process {goes_on if is_in_time else over}",
    )


def _next(look: Look) -> Answer:
    question = "What happens next, and when?"
    if look.report is None:
        told: Sentence = ("Not known: while the ledger does not answer, nothing is rotated",)
        return Answer(question=question, verdict=Verdict.UNKNOWN, sentences=(told,))
    events = sorted(_timed(look.report), key=lambda found: found[1])
    sentences = tuple(_told(status, event, at, look.now) for event, at, status in events[:1])
    nothing: Sentence = ("Nothing that a time decides",)
    return Answer(question=question, verdict=Verdict.GOOD, sentences=sentences or (nothing,))


def _timed(report: StatusReport) -> Iterator[tuple[NextEvent, datetime, RingStatus]]:
    for status in filter(None, report.rings.values()):
        yield from ((event, event.at, status) for event in status.upcoming if event.at)


def _told(status: RingStatus, event: NextEvent, at: datetime, now: datetime) -> Sentence:
    return (
        Code(event.kid),
        f"of ring {status.ring.family}: {event.what},",
        Moment(at, now),
        f"; why then: {reason_of(status, event)}",
    )


def _stuck(look: Look) -> Answer:
    question = "Is anything stuck, and why?"
    troubles = tuple(_troubles(look))
    if not troubles:
        return Answer(question=question, verdict=Verdict.GOOD, sentences=(("No", *_waits(look)),))
    is_unhealthy = look.health is not None and look.health.overall is HealthStatus.UNHEALTHY
    verdict = Verdict.BAD if is_unhealthy or look.report is None else Verdict.LOOK
    return Answer(question=question, verdict=verdict, sentences=tuple((f"Yes: {one}",) for one in troubles))


def _troubles(look: Look) -> Iterator[str]:
    if look.report is None:
        yield f"the ledger cannot be read: {look.failure}"
    for family in Family:
        yield from (f"ring {family}: {one}" for one in _ring_troubles(look, family))
    if look.health is None:
        yield "whether the secret store answers could not be found out in time"
    elif look.health.store.reason:
        yield f"the secret store: {look.health.store.reason}"


def _ring_troubles(look: Look, family: Family) -> Iterator[str]:
    status = look.report.rings[family] if look.report else None
    part = look.health.rings[family] if look.health else None
    known = look.known[family]
    if status is not None and status.trouble:
        yield status.trouble
    elif look.report is not None and part is not None and part.reason:
        yield part.reason
    elif look.report is not None and status is None:
        yield "it was not made yet: run 'journal-keys init'"
    if look.report is not None and known is not None and known.age > look.windows.view_ttl:
        yield f"this process has not confirmed what it holds for {length(known.age)}"


def _waits(look: Look) -> Sentence:
    """Say of rotations that wait, as they should, until when."""
    told: list[str | Code | Moment] = []
    for status in look.report.rings.values() if look.report else ():
        if status is not None and status.wait is not None:
            told += [f"; a rotation of ring {status.ring.family} waits: {status.wait.because}"]
            told += [", until", Moment(status.wait.until, look.now)] if status.wait.until else []
    return tuple(told)


def _agreement(look: Look) -> Answer:
    question = "Does every instance agree?"
    if look.report is None:
        told: Sentence = ("Not known: while the ledger does not answer, no instance can confirm what it holds",)
        return Answer(question=question, verdict=Verdict.UNKNOWN, sentences=(told,))
    generations = {family: status.ring.generation for family, status in look.report.rings.items() if status}
    expected = listed([f"generation {one} of {family}" for family, one in generations.items()]) or "no ring"
    if look.report.instances:
        return _of_instances(question, look.report.instances, generations, expected)
    held = {family: known.ring.generation for family, known in look.known.items() if known}
    alone = "no instance has reported, as they do where the ledger is on PostgreSQL"
    if held == generations:
        sentence: Sentence = (f"Yes: this process holds {expected}, as the ledger says; {alone}",)
        return Answer(question=question, verdict=Verdict.GOOD, sentences=(sentence,))
    mine = listed([f"generation {one} of {family}" for family, one in held.items()]) or "nothing"
    sentence = (f"No: this process holds {mine}, and the ledger {expected}; {alone}",)
    return Answer(question=question, verdict=Verdict.LOOK, sentences=(sentence,))


def _of_instances(
    question: str, instances: tuple[Instance, ...], generations: dict[Family, int], expected: str
) -> Answer:
    behind = [one for one in instances if not agrees(one, generations)]
    if not behind:
        told: Sentence = (f"Yes: {len(instances)} of {len(instances)} hold {expected}, as the ledger says",)
        return Answer(question=question, verdict=Verdict.GOOD, sentences=(told,))
    names = [part for one in behind for part in (Code(one.name), ",")][:-1]
    told = (f"No: {len(behind)} of {len(instances)} do not hold {expected} yet:", *names)
    return Answer(question=question, verdict=Verdict.LOOK, sentences=(told,))


def agrees(instance: Instance, generations: dict[Family, int]) -> bool:
    """Whether the instance holds every ring as the ledger has it."""
    return all(instance.held[family].generation == one for family, one in generations.items())


def _audit(look: Look) -> Answer:
    question = "Was the audit trail tampered with?"
    audit = look.audit
    followed = f"{audit.head.sequence:,} entries"
    if audit.broken:
        told: Sentence = (f"Yes: {audit.broken}",)
        return Answer(question=question, verdict=Verdict.BAD, sentences=(told,))
    if audit.whole_at is None:
        told = (f"Not known yet: this process still follows the chain from its beginning; {followed} hold so far",)
        return Answer(question=question, verdict=Verdict.UNKNOWN, sentences=(told,))
    whole = Moment(audit.whole_at, look.at)
    if look.report is None:
        told = (f"Not known now: {followed} held when this process last followed the whole chain,", whole)
        return Answer(question=question, verdict=Verdict.UNKNOWN, sentences=(told,))
    told = (f"No sign of it: {followed} hold; the chain was last followed from its beginning", whole, *_newer(look))
    return Answer(question=question, verdict=Verdict.GOOD, sentences=(told,))


def _newer(look: Look) -> Sentence:
    recent = look.report.recent if look.report else ()
    newer = recent[0].sequence - look.audit.head.sequence if recent else 0
    return (f"; {newer} that came since are looked at next",) if newer > 0 else ()
