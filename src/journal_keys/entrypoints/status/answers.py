"""The six questions of whoever looks for the first time, and their answers.

Texts of the ledger stand in them as they are: whoever shows them makes them safe.
"""

from typing import Final

from journal_keys.domain.keys import Family
from journal_keys.entrypoints.status.agreement import agree
from journal_keys.entrypoints.status.answer import Answer, Verdict
from journal_keys.entrypoints.status.events import next_in
from journal_keys.entrypoints.status.sight import Sight
from journal_keys.entrypoints.status.stuck import stuck
from journal_keys.entrypoints.status.words import Code, Moment, Sentence, length, number

_VERBS: Final = {Family.JWT: "signs", Family.AES: "encrypts"}
_CUT_OFF: Final[Sentence] = ("Only a head that is kept elsewhere shows an end that was cut off before",)


def answers(sight: Sight) -> tuple[Answer, ...]:
    """Give all six, in the order in which they are shown."""
    in_use = (_key_in_use(sight, family) for family in Family)
    return (*in_use, _next(sight), stuck(sight), agree(sight), _audit(sight))


def _key_in_use(sight: Sight, family: Family) -> Answer:
    question = f"Which key {_VERBS[family]} now, and since when?"
    if sight.report is None:
        return Answer(question=question, verdict=Verdict.UNKNOWN, sentences=_last_seen(sight, family))
    if status := sight.report.rings[family]:
        key = status.ring.active
        told: Sentence = (Code(key.kid), f"({key.algorithm}) {_VERBS[family]} since", Moment(key.since, sight.now))
        return Answer(question=question, verdict=Verdict.GOOD, sentences=(told,))
    none = f"None: the {family} ring is not made yet; run 'journal-keys init'"
    return Answer(question=question, verdict=Verdict.BAD, sentences=((none,),))


def _last_seen(sight: Sight, family: Family) -> tuple[Sentence, ...]:
    process, known = sight.process, sight.known(family)
    if process is None or known is None:
        return ((f"Not known: the ledger does not answer, and this process never saw the {family} ring",),)
    lasts = process.windows.oldest_signer_view
    goes_on = f"{_VERBS[family]} with it until that is {length(lasts)} old"
    over = f"no longer {_VERBS[family]}, as that is more than {length(lasts)} old"
    is_in_time = known.has_material and known.age <= lasts
    told: Sentence = (
        Code(known.ring.active.kid),
        "was in use since",
        Moment(known.ring.active.since, sight.at),
        "when it last did,",
        Moment(known.confirmed_at, sight.at),
        f"; this process {goes_on if is_in_time else over}",
    )
    return ("The ledger does not answer",), told


def _next(sight: Sight) -> Answer:
    question = "What happens next, and when?"
    if sight.report is None or not sight.is_current:
        told: Sentence = ("Not known: while the ledger does not answer, nothing is rotated",)
        return Answer(question=question, verdict=Verdict.UNKNOWN, sentences=(told,))
    sentences = tuple(
        (f"{family}:", *sentence)
        for family, status in sight.report.rings.items()
        for sentence in (next_in(status, sight.now) if status else [("the ring is not made yet",)])
    )
    return Answer(question=question, verdict=Verdict.GOOD, sentences=sentences)


def _audit(sight: Sight) -> Answer:
    verdict, sentences = _trail(sight)
    return Answer(question="Was the audit trail tampered with?", verdict=verdict, sentences=sentences)


def _trail(sight: Sight) -> tuple[Verdict, tuple[Sentence, ...]]:
    audit, entries = sight.audit, sight.audit.head.sequence
    hold = "1 entry holds" if entries == 1 else f"{number(entries)} entries hold"
    if audit.broken:
        return Verdict.BAD, ((f"Yes: {audit.broken}",),)
    if audit.whole_at is None:
        told = f"Not known yet: this process still follows the chain from its beginning; {hold} so far"
        return Verdict.UNKNOWN, ((told,),)
    if not sight.is_current:
        return Verdict.UNKNOWN, (("Not known now:", *_followed(sight, hold)),)
    return Verdict.GOOD, (("No sign of it:", *_followed(sight, hold), *_newer(sight)), _CUT_OFF)


def _followed(sight: Sight, hold: str) -> Sentence:
    whole = sight.audit.whole_at
    return (f"{hold}, last followed from the beginning", *([Moment(whole, sight.at)] if whole else []))


def _newer(sight: Sight) -> Sentence:
    recent = sight.report.recent if sight.report else ()
    newer = recent[0].sequence - sight.audit.head.sequence if recent else 0
    verb = "is" if newer == 1 else "are"
    return (f"; {number(newer)} that came since {verb} looked at next",) if newer > 0 else ()
