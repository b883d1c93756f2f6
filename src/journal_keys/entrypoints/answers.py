"""What somebody asks who has never seen this before, answered in one sentence each from a status report.

Pure words: no markup, no colour. Texts of the ledger stand in them as they are, so whoever shows them escapes them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from journal_keys.domain.fleet import laggards
from journal_keys.domain.keys import Family
from journal_keys.domain.status import AuditStatus, NextEvent, Obstacle, RingStatus, StatusReport, Wait
from journal_keys.entrypoints.wording import moment, since, when

_NAMED: Final = 3
"""Of the instances that are behind; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question and what is to be said to it; `is_well` is false where somebody should look."""

    question: str
    says: str
    is_well: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers, in the order in which they are shown."""

    signs: Answer
    encrypts: Answer
    next: Answer
    stuck: Answer
    agree: Answer
    audit: Answer

    def __iter__(self) -> Iterator[Answer]:
        """Give one after the other."""
        return (getattr(self, field.name) for field in fields(self))


def answers_to(report: StatusReport, *, reports: bool) -> Answers:
    """Say what this report means; `reports` is whether instances that share this ledger say what they hold."""
    return Answers(
        signs=_in_use(report, Family.JWT, "Which key signs now, and since when?", "signs"),
        encrypts=_in_use(report, Family.AES, "Which key encrypts now, and since when?", "encrypts"),
        next=Answer(question="What happens next, and when?", says=_each(report, _next)),
        stuck=_stuck(report),
        agree=_agree(report, reports=reports),
        audit=_audit(report.audit),
    )


def why(event: NextEvent, status: RingStatus) -> str:
    """Say why it happens then; empty where the event says so itself."""
    staged = status.ring.staged
    if staged is None or event.kid != staged.kid:
        return ""
    if status.wait is not None:
        return status.wait.because
    if event.at == status.due_at:
        return f"{status.ring.active.kid} has been in use for its interval then"
    return "every view and cache is sure to know it then"


def _each(report: StatusReport, say: Callable[[RingStatus, datetime], str]) -> str:
    return "; ".join(
        f"{family}: {say(status, report.at) if status else 'the ring is not made yet'}"
        for family, status in report.rings.items()
    )


def _in_use(report: StatusReport, family: Family, question: str, does: str) -> Answer:
    status = report.rings.get(family)
    if status is None:
        said = f"None: the {family} ring is not made yet; run 'journal-keys init'."
        return Answer(question=question, says=said, is_well=False)
    active = status.ring.active
    return Answer(question=question, says=f"{active.kid} ({active.algorithm}) {does} {since(active.since, report.at)}.")


def _next(status: RingStatus, now: datetime) -> str:
    """The next event; where that is another one, the next rotation as well."""
    timed = [event for event in status.upcoming if event.at is not None]
    staged = status.ring.staged
    if staged is None:
        return "no key is staged, the next pass of reconcile stages one"
    rotation = next(event for event in status.upcoming if event.kid == staged.kid)
    events = dict.fromkeys([*timed[:1], rotation])
    return ", then ".join(_told(event, status, now) for event in events)


def _told(event: NextEvent, status: RingStatus, now: datetime) -> str:
    reason = why(event, status)
    return f"{event.kid} {event.what.removeprefix('it ')} {when(event.at, now)}" + (f" ({reason})" if reason else "")


def _stuck(report: StatusReport) -> Answer:
    question, known = "Is anything stuck, and why?", {family: one for family, one in report.rings.items() if one}
    troubles = [f"{family}: {status.trouble}" for family, status in known.items() if status.trouble]
    waits = [
        f"{family}: {waits_for(status.wait, report.at)}"
        for family, status in known.items()
        if status.wait and not status.trouble
    ]
    if troubles:
        return Answer(question=question, says=f"Yes: {'; '.join(troubles + waits)}.", is_well=False)
    if waits:
        return Answer(question=question, says=f"No. What waits is in its time: {'; '.join(waits)}.")
    return Answer(question=question, says="No: nothing is overdue, and no rotation waits.")


def waits_for(wait: Wait, now: datetime) -> str:
    """Say since when a rotation waits, for what, and when it goes on."""
    begun = f"a rotation waits {since(wait.since, now)}: {wait.because}"
    no_time = wait.obstacle in {Obstacle.PASS, Obstacle.STAGING} or wait.until is None
    return begun if no_time else f"{begun}; it goes on {when(wait.until, now)}"


def _agree(report: StatusReport, *, reports: bool) -> Answer:
    question, number = "Does every instance agree?", len(report.instances)
    if not reports:
        said = "Instances do not report with a ledger on SQLite: only processes of this machine share it."
        return Answer(question=question, says=said)
    if not number:
        said = "No instance reports: none runs, or none has reached the ledger before its last report expired."
        return Answer(question=question, says=said, is_well=False)
    late = [
        f"{family}: {one}"
        for family, status in report.rings.items()
        if status
        for one in laggards(report.instances, status.ring)
    ]
    if not late:
        return Answer(question=question, says=f"Yes: all {number} live instances hold {_generations(report)}.")
    named, more = ", ".join(late[:_NAMED]), f" and {len(late) - _NAMED} more" if len(late) > _NAMED else ""
    return Answer(
        question=question, says=f"Not yet: of {number} live instances some are behind. {named}{more}.", is_well=False
    )


def _generations(report: StatusReport) -> str:
    known = [f"generation {one.ring.generation} of {family}" for family, one in report.rings.items() if one]
    return " and ".join(known) or "no ring"


def _audit(audit: AuditStatus) -> Answer:
    question, last = "Was the audit trail tampered with?", audit.head.sequence
    if audit.broken:
        return Answer(question=question, says=f"Yes: {audit.broken}.", is_well=False)
    if audit.whole_at is None:
        return Answer(question=question, says="Not known yet: the chain has not been followed from its beginning.")
    said = (
        f"No: entries 1 to {last} follow from each other, followed from the beginning at {moment(audit.whole_at)}."
        " Only a head that is kept elsewhere shows an end that was cut off before."
    )
    return Answer(question=question, says=said if last else "No: it has no entry yet.")
