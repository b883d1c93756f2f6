"""A status report as what programs read: `journal-keys status --json`."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from journal_keys.domain.fleet import Instance, laggards
from journal_keys.domain.keys import Family
from journal_keys.domain.status import RingStatus, StatusReport
from journal_keys.entrypoints.cli.service_figures import Figures
from journal_keys.entrypoints.status.answer import Answer
from journal_keys.use_cases.check_health import Health

_NOT_MADE = "not made yet: run 'journal-keys init'"


def as_fields(
    report: StatusReport, answers: Iterable[Answer], health: Health | None, figures: Figures | None
) -> dict[str, object]:
    """Give all of the report, `at`, `answers`, `rings`, `instances`, `health`, `audit`, `recent`, and `figures`.

    `health` is None where it could not be found out in time, `figures` where a service was not asked for them.
    """
    return {
        "at": report.at,
        "answers": [_answer(one) for one in answers],
        "rings": [{**ring_row(report, family), **_more(report.rings[family])} for family in report.rings],
        "instances": [_instance(one) for one in report.instances],
        "health": {"overall": health.overall, **health.parts} if health else None,
        "audit": {
            "is_broken": bool(report.audit.broken),
            "broken": report.audit.broken,
            "whole_at": report.audit.whole_at,
            "head": str(report.audit.head),
        },
        "recent": [{"sequence": one.sequence, "hash": one.hash, "fact": one.fact} for one in report.recent],
        "figures": figures,
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
