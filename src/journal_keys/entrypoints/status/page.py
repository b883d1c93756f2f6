"""Everything that is shown, as values: a page writes it down, and a terminal draws it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from journal_keys.domain.audit_chain import AuditEntry
from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family, KeyState
from journal_keys.entrypoints.status.agreement import agrees, generations_of
from journal_keys.entrypoints.status.answer import Answer, Verdict
from journal_keys.entrypoints.status.answers import answers
from journal_keys.entrypoints.status.figures import Figures, Sums, sums_of
from journal_keys.entrypoints.status.rings import RingPart, ring_part
from journal_keys.entrypoints.status.sight import Known, Process, Sight
from journal_keys.entrypoints.status.table import Table
from journal_keys.entrypoints.status.words import Code, Moment, Sentence, length, number

_WORST = list(Verdict)
STATES = (KeyState.PRE_ACTIVATION, KeyState.ACTIVE, KeyState.DEACTIVATED, KeyState.COMPROMISED)
"""Which have a bar on the time line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is shown, from its top."""

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
    counted: str
    """Whose figures these are, or why there are none."""
    figures: tuple[Table, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the answers."""
        return max((answer.verdict for answer in self.answers), key=_WORST.index)


def page_of(sight: Sight, figures: Figures | None) -> Page:
    """Give what is shown of one look; `figures` is None where nobody was asked for them."""
    counts = figures.counts if figures else None
    held = () if sight.process is None else (_held(sight, sight.process),)
    return Page(
        at=Moment(sight.now),
        clocks=_clocks(sight),
        failure=sight.failure,
        answers=answers(sight),
        rings=tuple(ring_part(sight, family) for family in Family),
        instances=(_reported(sight), *held),
        audit=_recent(sight),
        health=_health(sight),
        counted=_counted(figures),
        figures=tuple(_sums(sums) for sums in sums_of(counts)) if counts else (),
    )


def _clocks(sight: Sight) -> str:
    apart_s = (sight.at - sight.now).total_seconds()
    if abs(apart_s) < 1:
        return ""
    side = "behind" if apart_s > 0 else "before"
    return f"Keys live by the ledger's clock, which stands {length(abs(sight.at - sight.now))} {side} this machine's."


def _reported(sight: Sight) -> Table:
    report = sight.report
    generations = generations_of(report) if report else {}
    return Table(
        caption="Live instances, as they reported",
        heads=("Instance", "Agrees", "Holds of jwt", "Holds of aes", "Reported", "Counts until"),
        rows=tuple(_instance(one, generations, sight) for one in (report.instances if report else ())),
        empty="None has reported, as they do where the ledger is on PostgreSQL." if report else "Not known.",
    )


def _instance(one: Instance, generations: dict[Family, int], sight: Sight) -> tuple[Sentence, ...]:
    is_this = sight.process is not None and one.name == sight.process.instance
    name: Sentence = (Code(one.name), "(this process)") if is_this else (Code(one.name),)
    held = (
        (f"generation {one.held[family].generation}, since", Moment(one.held[family].since, sight.now))
        for family in Family
    )
    reported, expires = Moment(one.reported_at, sight.now), Moment(one.expires_at, sight.now)
    return (name, ("yes" if agrees(one, generations) else "no",), *held, (reported,), (expires,))


def _held(sight: Sight, process: Process) -> Table:
    return Table(
        caption="What this process holds",
        heads=("Ring", "Generation", "Key in use", "Confirmed by the ledger"),
        rows=tuple(_view(family, known, sight) for family, known in process.known.items() if known),
        empty="Nothing yet.",
    )


def _view(family: Family, known: Known, sight: Sight) -> tuple[Sentence, ...]:
    kid = Code(known.ring.active.kid)
    key: Sentence = (kid,) if known.has_material else (kid, "whose material it could not read")
    confirmed: Sentence = (Moment(known.confirmed_at, sight.at),)
    if known.is_restored:
        confirmed = (*confirmed, "as a former process kept it")
    return (family,), (str(known.ring.generation),), key, confirmed


def _recent(sight: Sight) -> Table:
    return Table(
        caption="The newest audit entries, the newest first",
        heads=("Entry", "When", "Who", "What", "Key", "Reason", "Detail"),
        rows=tuple(_folded(sight.report.recent)) if sight.report else (),
        empty="None yet." if sight.report else "Not known.",
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


def _health(sight: Sight) -> Table:
    rings = sight.health.rings if sight.health else {}
    parts = {f"ring {family}": rings.get(family) for family in Family}
    parts |= {"secret store": sight.health.store if sight.health else None}
    return Table(
        caption="Health, as it is found from here",
        heads=("Part", "Status", "Why"),
        rows=tuple(
            ((name,), (part.status,), (part.reason or "none",))
            if part
            else ((name,), ("not known",), ("no answer in time",))
            for name, part in parts.items()
        ),
        empty="",
    )


def _counted(figures: Figures | None) -> str:
    if figures is None:
        return "Each service counts its own: --figures http://localhost:8000 shows them"
    if figures.counts is None:
        return f"Those of {figures.of} are not known: {figures.failure}"
    return f"Sums over all processes of {figures.of} since they began to count"


def _sums(sums: Sums) -> Table:
    rows = tuple(((name,), (number(count),)) for name, count in sums.rows)
    return Table(caption=sums.caption, heads=(sums.head, "Number"), rows=rows, empty=sums.empty)
