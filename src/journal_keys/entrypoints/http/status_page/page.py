"""The whole page as values, ready to be written down."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from journal_keys.domain.audit_chain import AuditEntry
from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family, KeyState
from journal_keys.entrypoints.http.status_page.look import Look
from journal_keys.entrypoints.http.status_page.rings import RingPart, ring_part
from journal_keys.entrypoints.http.status_page.table import Table
from journal_keys.entrypoints.status.agreement import agrees, generations_of
from journal_keys.entrypoints.status.answer import Answer, Verdict
from journal_keys.entrypoints.status.answers import answers
from journal_keys.entrypoints.status.figures import Sums, sums_of
from journal_keys.entrypoints.status.sight import Known
from journal_keys.entrypoints.status.words import Code, Moment, Sentence, length, number

_WORST = list(Verdict)
STATES = (KeyState.PRE_ACTIVATION, KeyState.ACTIVE, KeyState.DEACTIVATED, KeyState.COMPROMISED)
"""Which have a bar on the time line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands on the page, from its top."""

    instance: str
    at: Moment
    clocks: str
    """Where the ledger's clock and this machine's differ: by how much."""
    failure: str
    """Why the ledger could not be read; empty where it could."""
    answers: tuple[Answer, ...]
    rings: tuple[RingPart, ...]
    instances: tuple[Table, ...]
    audit: Table
    health: Table
    figures: tuple[Table, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the answers."""
        return max((answer.verdict for answer in self.answers), key=_WORST.index)


def page_of(look: Look) -> Page:
    """Give the page of one look."""
    return Page(
        instance=look.instance,
        at=Moment(look.now),
        clocks=_clocks(look),
        failure=look.failure,
        answers=answers(look.sight),
        rings=tuple(ring_part(look, family) for family in Family),
        instances=(_reported(look), _held(look)),
        audit=_recent(look),
        health=_health(look),
        figures=tuple(_sums(sums) for sums in sums_of(look.counts)),
    )


def _clocks(look: Look) -> str:
    apart_s = (look.at - look.now).total_seconds()
    if abs(apart_s) < 1:
        return ""
    side = "behind" if apart_s > 0 else "before"
    return f"Keys live by the ledger's clock, which stands {length(abs(look.at - look.now))} {side} this machine's."


def _reported(look: Look) -> Table:
    report = look.report
    generations = generations_of(report) if report else {}
    return Table(
        caption="Live instances, as they reported",
        heads=("Instance", "Agrees", "Holds of jwt", "Holds of aes", "Reported", "Counts until"),
        rows=tuple(_instance(one, generations, look) for one in (report.instances if report else ())),
        empty="None has reported, as they do where the ledger is on PostgreSQL." if report else "Not known.",
    )


def _instance(one: Instance, generations: dict[Family, int], look: Look) -> tuple[Sentence, ...]:
    mine: Sentence = (Code(one.name), "(this process)") if one.name == look.instance else (Code(one.name),)
    held = (
        (f"generation {one.held[family].generation}, since", Moment(one.held[family].since, look.now))
        for family in Family
    )
    reported, expires = Moment(one.reported_at, look.now), Moment(one.expires_at, look.now)
    return (mine, ("yes" if agrees(one, generations) else "no",), *held, (reported,), (expires,))


def _held(look: Look) -> Table:
    return Table(
        caption="What this process holds",
        heads=("Ring", "Generation", "Key in use", "Confirmed by the ledger"),
        rows=tuple(_view(family, known, look) for family, known in look.known.items() if known),
        empty="Nothing yet.",
    )


def _view(family: Family, known: Known, look: Look) -> tuple[Sentence, ...]:
    kid = Code(known.ring.active.kid)
    key: Sentence = (kid,) if known.has_material else (kid, "whose material it could not read")
    confirmed: Sentence = (Moment(known.confirmed_at, look.at),)
    if known.is_restored:
        confirmed = (*confirmed, "as a former process kept it")
    return (family,), (str(known.ring.generation),), key, confirmed


def _recent(look: Look) -> Table:
    return Table(
        caption="The newest audit entries, the newest first",
        heads=("Entry", "When", "Who", "What", "Key", "Reason", "Detail"),
        rows=tuple(_folded(look.report.recent)) if look.report else (),
        empty="None yet." if look.report else "Not known.",
    )


def _folded(entries: tuple[AuditEntry, ...]) -> Iterator[tuple[Sentence, ...]]:
    """Give a row for each entry, and one for neighbours that tell the same: who reloads the page adds an entry."""
    for _, group in groupby(entries, key=_gist):
        several = list(group)
        newest = several[0]
        span = f"{several[-1].sequence} to {newest.sequence}" if len(several) > 1 else str(newest.sequence)
        fact = newest.fact
        yield (
            (span,),
            (Moment(fact.at),),
            (fact.actor,),
            (fact.action,),
            (Code(fact.kid),) if fact.kid else ("none",),
            (fact.reason,),
            (_detail(fact.detail),),
        )


def _gist(entry: AuditEntry) -> object:
    fact = entry.fact
    told = {name: text for name, text in fact.detail.items() if name != "request_id"}
    is_call = "request_id" in fact.detail
    return (fact.actor, fact.action, tuple(told.items())) if is_call else entry.sequence


def _detail(detail: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {text}" for name, text in detail.items() if name != "request_id") or "none"


def _health(look: Look) -> Table:
    rings = look.health.rings if look.health else {}
    parts = {f"ring {family}": rings.get(family) for family in Family}
    parts |= {"secret store": look.health.store if look.health else None}
    return Table(
        caption="Health, as this process sees it",
        heads=("Part", "Status", "Why"),
        rows=tuple(
            ((name,), (part.status,), (part.reason or "none",))
            if part
            else ((name,), ("not known",), ("no answer in time",))
            for name, part in parts.items()
        ),
        empty="",
    )


def _sums(sums: Sums) -> Table:
    rows = tuple(((name,), (number(count),)) for name, count in sums.rows)
    return Table(caption=sums.caption, heads=(sums.head, "Number"), rows=rows, empty=sums.empty)
