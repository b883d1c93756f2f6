"""Rows of rotations, audit entries and the ledger's clock to domain values and back."""

from datetime import timedelta
from typing import Final

from journal_keys.adapters.sql.columns import (
    Row,
    as_written,
    from_moment,
    to_digest,
    to_family_or_none,
    to_kid_or_none,
    to_moment,
    to_moment_or_none,
    to_number,
    to_text,
    to_texts,
)
from journal_keys.domain import canonical
from journal_keys.domain.audit_chain import AuditEntry
from journal_keys.domain.changes import AuditFact, RotationRecord, RotationRequest, RotationStatus
from journal_keys.domain.fleet import Held, Instance, check_instance_name
from journal_keys.domain.keys import Family, parse_family
from journal_keys.domain.ledger_clock import ClockReading, LedgerTime

_MICROSECOND: Final = timedelta(microseconds=1)


def from_rotation(record: RotationRecord) -> dict[str, object]:
    """Write the row of `rotations`."""
    request = record.request
    return {
        "rotation_id": request.rotation_id,
        "family": record.family.value,
        "scope": request.scope,
        "force": request.force,
        "reason": request.reason,
        "actor": request.actor,
        "status": record.status.value,
        "opened_at": from_moment(record.opened_at),
        "old_kid": record.old_kid,
        "new_kid": record.new_kid,
        "generation": record.generation,
        "settled_at": from_moment(record.settled_at),
    }


def to_rotation(row: Row) -> RotationRecord:
    """Read a row of `rotations`.

    Raises:
        LedgerCorruptError: a malformed column.
    """
    with as_written(f"rotation {row['rotation_id']}"):
        return RotationRecord(
            request=_request(row),
            family=parse_family(row["family"]),
            status=RotationStatus(row["status"]),
            opened_at=to_moment(row["opened_at"]),
            old_kid=to_kid_or_none(row["old_kid"]),
            new_kid=to_kid_or_none(row["new_kid"]),
            generation=row["generation"],
            settled_at=to_moment_or_none(row["settled_at"]),
        )


def _request(row: Row) -> RotationRequest:
    return RotationRequest(
        rotation_id=row["rotation_id"],
        scope=row["scope"],
        force=row["force"],
        reason=row["reason"],
        actor=row["actor"],
    )


def from_entry(entry: AuditEntry) -> dict[str, object]:
    """Write the row of `audit`."""
    fact = entry.fact
    return {
        "sequence": entry.sequence,
        "at": from_moment(fact.at),
        "actor": fact.actor,
        "action": fact.action,
        "family": fact.family.value if fact.family else None,
        "kid": fact.kid,
        "reason": fact.reason,
        "detail": canonical.to_json(dict(fact.detail)),
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def to_entry(row: Row) -> AuditEntry:
    """Read a row of `audit`. Whether it belongs to the chain is said by `audit_chain.verify`.

    Raises:
        LedgerCorruptError: a malformed column.
    """
    with as_written(f"audit entry {row['sequence']}"):
        fact = AuditFact(
            at=to_moment(row["at"]),
            actor=row["actor"],
            action=row["action"],
            family=to_family_or_none(row["family"]),
            kid=to_kid_or_none(row["kid"]),
            reason=row["reason"],
            detail=to_texts(row["detail"]),
        )
        return AuditEntry(
            sequence=row["sequence"],
            fact=fact,
            previous_hash=to_digest(row["previous_hash"]),
            hash=to_digest(row["hash"]),
        )


def from_instance(instance: Instance) -> dict[str, object]:
    """Write the row of `instances`."""
    held = {
        f"{family.value}_{name}": value
        for family, one in instance.held.items()
        for name, value in (("generation", one.generation), ("since", from_moment(one.since)))
    }
    return {
        "name": instance.name,
        **held,
        "reported_at": from_moment(instance.reported_at),
        "expires_at": from_moment(instance.expires_at),
    }


def to_instance(row: Row) -> Instance:
    """Read a row of `instances`.

    Raises:
        LedgerCorruptError: a malformed column.
    """
    with as_written(f"instance {row['name']}"):
        return Instance(
            name=check_instance_name(row["name"]),
            held={
                family: Held(
                    generation=to_number(row[f"{family.value}_generation"]),
                    since=to_moment(row[f"{family.value}_since"]),
                )
                for family in Family
            },
            reported_at=to_moment(row["reported_at"]),
            expires_at=to_moment(row["expires_at"]),
        )


def from_time(time: LedgerTime) -> dict[str, object]:
    """Write the columns of `ledger_clock`."""
    return {
        "at": from_moment(time.at),
        "wall": from_moment(time.reading.wall),
        "uptime_us": time.reading.uptime // _MICROSECOND,
        "boot": time.reading.boot,
    }


def to_time(row: Row) -> LedgerTime | None:
    """Read the row of `ledger_clock`, None where no change was ever made.

    Raises:
        LedgerCorruptError: a malformed or half-empty row.
    """
    if all(row[name] is None for name in ("at", "wall", "uptime_us", "boot")):
        return None
    with as_written("clock"):
        reading = ClockReading(
            wall=to_moment(row["wall"]), uptime=row["uptime_us"] * _MICROSECOND, boot=to_text(row["boot"])
        )
        return LedgerTime(at=to_moment(row["at"]), reading=reading)
