"""Audit chains of which something was changed, removed, inserted or exchanged."""

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final, TypeAlias

from journal_keys.domain.audit_chain import EMPTY, GENESIS, AuditEntry, AuditHead, head_of, link, verify
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.errors import AuditChainBrokenError
from journal_keys.domain.keys import Family, Kid
from tests.proof.bad_inputs.search import REFUSED, Target
from tests.proof.bad_inputs.texts import mangled, noise

Chain: TypeAlias = tuple[AuditEntry, ...]
_LENGTH: Final = 8
_FACT_FIELDS: Final = tuple(field.name for field in fields(AuditFact))
_ENTRY_FIELDS: Final = ("sequence", "previous_hash", "hash")
_OTHER_ZONE: Final = timezone(timedelta(hours=5, minutes=45))


def _fact(number: int, actor: str) -> AuditFact:
    return AuditFact(
        at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number, microseconds=number % 3),
        actor=actor,
        action=("key_published", "key_promoted", "clock_accepted")[number % 3],
        family=(Family.JWT, Family.AES, None)[number % 3],
        kid=(Kid(f"jwt_{number}"), Kid(f"aes_{number}"), None)[number % 3],
        reason=("due", "", "Gr\u00f6\u00dfe \U0001f511")[number % 3],
        detail={"rotation_id": str(number), "was": "ACTIVE"} if number % 2 else {},
    )


def _chain(actor: str) -> Chain:
    entries: list[AuditEntry] = []
    head = EMPTY
    for number in range(_LENGTH):
        entries.append(link(head, _fact(number, actor)))
        head = head_of(entries[-1])
    return tuple(entries)


GOOD: Final = _chain("operator:alice")
_OTHER: Final = _chain("operator:mallory")


def _some_chain(dice: Random) -> Chain:
    entries = list(GOOD)
    at, other = dice.randrange(_LENGTH), dice.randrange(_LENGTH)
    match dice.randrange(12):
        case 0:
            return GOOD[: dice.randrange(_LENGTH + 1)]
        case 1:
            del entries[at : at + dice.choice((1, 1, 2))]
        case 2:
            entries.insert(at, dice.choice((entries[other], _OTHER[other], link(EMPTY, entries[other].fact))))
        case 3:
            entries[at], entries[other] = entries[other], entries[at]
        case 4:
            entries[at:] = _OTHER[at:]
        case 5:
            entries[at] = replace(entries[at], fact=entries[other].fact)
        case 6:
            dice.shuffle(entries)
        case 7:
            changed = _changed_fact(entries[at].fact, dice)
            before = head_of(entries[at - 1]) if at else EMPTY
            entries[at] = link(before, changed)
        case 8 | 9:
            entries[at] = _changed_link(entries[at], dice)
        case _:
            entries[at] = replace(entries[at], fact=_changed_fact(entries[at].fact, dice))
    return tuple(entries)


def _changed_link(entry: AuditEntry, dice: Random) -> AuditEntry:
    name = dice.choice(_ENTRY_FIELDS)
    held: Any = getattr(entry, name)
    if name == "sequence":
        return replace(entry, sequence=held + dice.choice((1, -1, 2**64, -held, -2 * held)))
    changed: Any = dice.choice((mangled(held, dice), held.upper(), GENESIS, noise(dice), dice.choice(_OTHER).hash))
    return replace(entry, **{name: changed})


def _changed_fact(fact: AuditFact, dice: Random) -> AuditFact:
    name = dice.choice(_FACT_FIELDS)
    held: Any = getattr(fact, name)
    values: tuple[Any, ...]
    match name:
        case "at":
            steps = (timedelta(microseconds=1), timedelta(days=-365), timedelta(0))
            values = (held + dice.choice(steps), held.astimezone(_OTHER_ZONE), datetime.min.replace(tzinfo=UTC))
        case "family":
            values = (*Family, None)
        case "kid":
            values = (None, Kid(mangled(held or "", dice)), Kid("None"), Kid(""))
        case "detail":
            exchanged = dict(zip(held, reversed(held.values()), strict=True))
            values = ({}, exchanged, held | {noise(dice): ""}, {key: mangled(one, dice) for key, one in held.items()})
        case _:
            values = (mangled(held, dice), noise(dice), "")
    return replace(fact, **{name: dice.choice(values)})


def _expected(entries: Chain) -> object:
    """The head, by hashes computed here from the format that the documentation gives."""
    head = EMPTY
    for sequence, entry in enumerate(entries, start=1):
        fact = entry.fact
        at = fact.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
        document = {
            "action": fact.action,
            "actor": fact.actor,
            "at": at.zfill(32),  # strftime writes the year 1 with one digit
            "detail": fact.detail,
            "family": fact.family,
            "kid": fact.kid,
            "prev": head.hash,
            "reason": fact.reason,
            "seq": sequence,
            "v": 1,
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        if (entry.sequence, entry.previous_hash, entry.hash) != (sequence, head.hash, digest):
            return REFUSED
        head = AuditHead(sequence=sequence, hash=digest)
    return head


def _fault(entries: Chain, got: object) -> str | None:
    if got != _expected(entries):
        return f"followed to {got}, and an independent check says {_expected(entries)}"
    if got == head_of(GOOD[-1]) and entries != GOOD:
        return "another chain ends with the same head"
    return None


CHAIN: Final[Target[Chain]] = Target(
    name="audit_chain.verify",
    make=_some_chain,
    read=verify,
    refusals=(AuditChainBrokenError,),
    fault=_fault,
    share=6_000,
)
