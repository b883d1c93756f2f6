"""What is shown of one ring: its time line, its keys, what happens next, what waits and who holds it back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.status import RingStatus, Wait
from journal_keys.entrypoints.status.events import why
from journal_keys.entrypoints.status.sight import Sight
from journal_keys.entrypoints.status.table import Table
from journal_keys.entrypoints.status.timeline import Timeline, timeline
from journal_keys.entrypoints.status.words import Code, Moment, Sentence, listed, number

TITLES: Final = {Family.JWT: "Ring jwt: signing keys", Family.AES: "Ring aes: encryption keys"}
_NOT_YET: Final[Sentence] = ("not yet",)


@dataclass(frozen=True, slots=True, kw_only=True)
class RingPart:
    """One ring. `timeline` is None where nothing is known of it."""

    family: Family
    title: str
    facts: tuple[Sentence, ...]
    timeline: Timeline | None
    tables: tuple[Table, ...]


def ring_part(sight: Sight, family: Family) -> RingPart:
    """Give what the ledger says of the ring, or, where it does not answer, what this process holds."""
    status = sight.report.rings[family] if sight.report else None
    known = sight.known(family)
    if status is not None:
        return _by_ledger(status, sight.now)
    if sight.report is None and known is not None:
        return _by_view(known.ring, Moment(known.confirmed_at, sight.at))
    because = f"There is no {family} ring: run 'journal-keys init'" if sight.report else "Nothing is known of it"
    return RingPart(family=family, title=TITLES[family], facts=((because,),), timeline=None, tables=())


def _by_ledger(status: RingStatus, now: datetime) -> RingPart:
    ring = status.ring
    facts: list[Sentence] = [(f"Generation {ring.generation}, last changed", Moment(ring.changed_at, now))]
    if ring.family is Family.AES:
        facts.append((_encryptions(status),))
    events = _events(status, now)
    drawn = timeline(ring, status.upcoming, now, status.due_at)
    waits = () if status.wait is None else (_waiting(status.wait, now), _held_back(status.wait, now))
    return RingPart(
        family=ring.family,
        title=TITLES[ring.family],
        facts=(*facts, *_left_out(drawn)),
        timeline=drawn,
        tables=(events, *waits, _keys(ring, drawn)),
    )


def _encryptions(status: RingStatus) -> str:
    """Say how much of the bound of 2³² the key in use has used up (NIST SP 800-38D §8.3)."""
    return f"The key in use made {number(status.encryptions)} encryptions of at most {number(2**32)}"


def _by_view(ring: KeyRing, confirmed: Moment) -> RingPart:
    drawn = timeline(ring, (), confirmed.now or confirmed.at)
    told: Sentence = (f"As this process holds it: generation {ring.generation}, which the ledger confirmed", confirmed)
    return RingPart(
        family=ring.family,
        title=TITLES[ring.family],
        facts=(told, *_left_out(drawn)),
        timeline=drawn,
        tables=(_keys(ring, drawn),),
    )


def _left_out(drawn: Timeline) -> tuple[Sentence, ...]:
    if not drawn.left_out:
        return ()
    told = listed([f"{count} {state}" for state, count in drawn.left_out.items()])
    return ((f"Older keys that are not shown: {told}; 'journal-keys keys list' names them",),)


def _events(status: RingStatus, now: datetime) -> Table:
    return Table(
        caption=f"What happens next in ring {status.ring.family}",
        heads=("Key", "What", "When", "Why then"),
        rows=tuple(
            (
                (Code(event.kid),),
                (event.what,),
                (Moment(event.at, now),) if event.at else ("no time decides it",),
                (why(status, event),),
            )
            for event in status.upcoming
        ),
        empty="Nothing: no key is staged.",
    )


def _waiting(wait: Wait, now: datetime) -> Table:
    return Table(
        caption="Rotations that wait",
        heads=("Rotation", "Asked for by", "Reason", "Since", "Waits until", "Because"),
        rows=tuple(
            (
                (Code(one.request.rotation_id),),
                (one.request.actor,),
                (one.request.reason,),
                (Moment(one.opened_at, now),),
                (Moment(wait.until, now),),
                (wait.because,),
            )
            for one in wait.rotations
        ),
        empty="",
    )


def _held_back(wait: Wait, now: datetime) -> Table:
    return Table(
        caption="Who holds them back",
        heads=("Instance", "Holds", "Since", "Counts until"),
        rows=tuple(
            (
                (Code(one.name),),
                (f"generation {one.held.generation} of {one.ring_generation}",),
                (Moment(one.held.since, now),),
                (Moment(one.expires_at, now),),
            )
            for one in wait.behind
        ),
        empty="No instance does.",
    )


def _keys(ring: KeyRing, drawn: Timeline) -> Table:
    return Table(
        caption=f"Keys of ring {ring.family}, the newest first",
        heads=("Key", "Algorithm", "State", "Published", "In use from", "In use until", "Out of use"),
        rows=tuple(_key(lane.version, ring.active.kid) for lane in drawn.lanes),
        empty="",
    )


def _key(version: KeyVersion, active: Kid) -> tuple[Sentence, ...]:
    out = version.compromised_at or version.destroyed_at
    until: Sentence = ("now",) if version.kid == active else _moment(version.deactivated_at)
    return (
        (Code(version.kid),),
        (version.algorithm,),
        (version.state,),
        _moment(version.published_at),
        _moment(version.activated_at),
        until,
        _moment(out),
    )


def _moment(at: datetime | None) -> Sentence:
    return (Moment(at),) if at else _NOT_YET
