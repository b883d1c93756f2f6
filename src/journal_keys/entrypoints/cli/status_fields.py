"""A status report as what programs read: `journal-keys status --json`."""

from collections.abc import Mapping
from datetime import datetime

from journal_keys.domain.fleet import Instance, laggards
from journal_keys.domain.keys import Family
from journal_keys.domain.status import RingStatus, StatusReport
from journal_keys.entrypoints.status.answer import Answer
from journal_keys.entrypoints.status.answers import answers
from journal_keys.entrypoints.status.figures import Figures
from journal_keys.entrypoints.status.sight import Sight

_NOT_MADE = "not made yet: run 'journal-keys init'"


def as_fields(sight: Sight, figures: Figures | None) -> dict[str, object]:
    """Give `at`, `answers`, `rings`, `instances`, `health`, `audit`, `recent`, `figures`, and `failure`.

    Where the ledger cannot be read, `failure` says why, and what is of the ledger is as of `at`, when it last could be,
    or None where it never was. `health` is None where it could not be found out in time, `figures` where a service was
    not asked for them.
    """
    report, health, audit = sight.report, sight.health, sight.audit
    return {
        "at": sight.now,
        "answers": [_answer(one) for one in answers(sight)],
        "rings": [{**ring_row(report, family), **_more(report.rings[family])} for family in report.rings]
        if report
        else None,
        "instances": [_instance(one) for one in report.instances] if report else None,
        "health": {"overall": health.overall, **health.parts} if health else None,
        "audit": {
            "is_broken": bool(audit.broken),
            "broken": audit.broken,
            "whole_at": audit.whole_at,
            "head": str(audit.head),
        },
        "recent": [{"sequence": one.sequence, "hash": one.hash, "fact": one.fact} for one in report.recent]
        if report
        else None,
        "figures": figures,
        "failure": sight.failure,
    }


def _answer(one: Answer) -> dict[str, object]:
    return {"question": one.question, "verdict": one.verdict, "says": one.says, "is_well": one.is_well}


def ring_row(report: StatusReport, family: Family) -> dict[str, object]:
    """Give what people are told of one ring, too."""
    status = report.rings[family]
    if status is None:
        return {"ring": family, "state": _NOT_MADE}
    ring, staged = status.ring, status.ring.staged
    coming = {event.kid: event for event in status.upcoming}
    return {
        "ring": family,
        "generation": ring.generation,
        "active_kid": ring.active.kid,
        "active_since": ring.active.since,
        "due_at": status.due_at,
        "staged_kid": staged.kid if staged else None,
        "staged_next": coming[staged.kid].what if staged else "no key is staged: 'reconcile' stages one",
        "staged_next_at": coming[staged.kid].at if staged else None,
        "waiting_rotations": _waiting(status),
        "held_back_by": [str(one) for one in laggards(report.instances, ring)],
        "accepted_keys": len(ring.accepted),
        "ledger_time": report.at,
    }


def _waiting(status: RingStatus) -> list[str]:
    return [record.request.rotation_id for record in status.wait.rotations] if status.wait else []


def _more(status: RingStatus | None) -> Mapping[str, object]:
    if status is None:
        return {}
    wait = status.wait
    return {
        "trouble": status.trouble,
        "encryptions": status.encryptions,
        "upcoming": status.upcoming,
        "wait": wait
        and {
            "since": wait.since,
            "for": wait.obstacle,
            "because": wait.because,
            "until": wait.until,
            "reasons": [record.request.reason for record in wait.rotations],
        },
        "versions": [{"kid": one.kid, "state": one.state, "since": one.since} for one in status.ring.versions],
    }


def _instance(one: Instance) -> dict[str, datetime | str | dict[str, int]]:
    return {
        "name": one.name,
        "held": {family.value: held.generation for family, held in one.held.items()},
        "reported_at": one.reported_at,
        "expires_at": one.expires_at,
    }
