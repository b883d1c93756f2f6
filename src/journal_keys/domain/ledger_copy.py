"""All that a ledger holds of its keys as one value, and what puts such a value back into one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from journal_keys.domain import forms
from journal_keys.domain.audit_chain import AuditEntry, verify
from journal_keys.domain.changes import AuditFact, RotationRecord, RotationRequest, RotationStatus
from journal_keys.domain.errors import DomainError
from journal_keys.domain.forms import (
    DIGEST,
    FAMILY,
    KID,
    MOMENT,
    NUMBER,
    TEXT,
    Form,
    FormError,
    items,
    optional,
    record,
)
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.ledger_clock import UNSURE_BOOT, ClockReading, ClockWentBackError, LedgerTime, accept
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.webhook_secrets import WebhookSecret

_VERSION: Final = 1
_SCOPES: Final = frozenset({*Family, "both"})


class LedgerCopyError(DomainError):
    """A document is no copy of a ledger, whole and sound. The message quotes nothing out of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCopy:
    """A ledger as of one moment: its time (None: nothing was changed yet), and all that it holds of its keys.

    `rotations` are sorted by id, then by family; `webhook_secrets` oldest first; `entries` are the whole audit chain.
    What is about processes that run (their instances, deliveries, replies) is not in it.
    """

    time: LedgerTime | None
    rings: Mapping[Family, KeyRing]
    rotations: tuple[RotationRecord, ...]
    usage: Mapping[Kid, int]
    webhook_secrets: tuple[WebhookSecret, ...]
    entries: tuple[AuditEntry, ...]

    def usage_beside(self, counted: Mapping[Kid, int]) -> dict[Kid, int]:
        """The sums of this copy's counts and those that were counted since: each is of encryptions of its own."""
        return {kid: self.usage.get(kid, 0) + counted.get(kid, 0) for kid in {**self.usage, **counted}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refounding:
    """The rings with which a ledger goes on from a copy, and the facts that follow the copied chain.

    Raises:
        ValueError: at construction, when a ring stands under another family.
    """

    rings: Mapping[Family, KeyRing]
    facts: tuple[AuditFact, ...]

    def __post_init__(self) -> None:
        _check_places(self.rings)

    def check_whole(self, copy: LedgerCopy) -> None:
        """Refuse to lose a ring.

        Raises:
            ValueError: a ring of the copy is not among these.
        """
        lost = copy.rings.keys() - self.rings.keys()
        if lost:
            raise ValueError(f"the refounded ledger would lose the rings {', '.join(sorted(lost))} of the copy")


@dataclass(frozen=True, slots=True, kw_only=True)
class RingsPutBack:
    """What each ring is to be, with the generation that it gets (None: there is none), and the facts about that.

    Raises:
        ValueError: at construction, when a ring stands under another family.
    """

    rings: Mapping[Family, KeyRing | None]
    facts: tuple[AuditFact, ...]

    def __post_init__(self) -> None:
        _check_places({family: ring for family, ring in self.rings.items() if ring is not None})

    def check_named(self, families: Iterable[Family]) -> None:
        """Refuse to touch a ring that was not compared, or to leave out one that was.

        Raises:
            ValueError: the rings are not those of these families.
        """
        if self.rings.keys() != set(families):
            raise ValueError("the rings that are put back are not those that were expected")


def _check_places(rings: Mapping[Family, KeyRing]) -> None:
    if any(ring.family is not family for family, ring in rings.items()):
        raise ValueError("a ring stands under another family than its own")


def rotations_beside(ring: KeyRing, rotations: Iterable[RotationRecord]) -> list[RotationRecord]:
    """The rotations of this ring's family that name no key which it lacks, and promoted none that it never used."""
    known = {None, *(version.kid for version in ring.versions)}
    used = {None, *(version.kid for version in ring.versions if version.activated_at is not None)}
    return [one for one in rotations if one.family is ring.family and one.old_kid in known and one.new_kid in used]


def go_on(
    copied: LedgerTime | None, reading: ClockReading, *, skew: timedelta, accepts_clock: bool = False
) -> LedgerTime:
    """Give the time of a ledger that is refounded from a copy; never ahead of what the copied one would have counted.

    Raises:
        ClockWentBackError: the wall clock stands more than `skew` before the copy's, and nobody accepts it.
    """
    if not accepts_clock and copied is not None and copied.reading.wall - reading.wall > skew:
        raise ClockWentBackError(
            f"the clock reads {reading.wall.isoformat(timespec='seconds')}, yet the ledger that was copied had read"
            f" {copied.reading.wall.isoformat(timespec='seconds')}: the ledger was not changed; if the copy's reading"
            " was the wrong one, run the same 'journal-keys restore' again with --accept-clock"
        )
    time = accept(copied, reading)
    if copied is not None and copied.reading.boot.startswith(UNSURE_BOOT):  # the copy may come from another host
        return replace(time, at=copied.at)
    return time


def to_document(copy: LedgerCopy) -> dict[str, Any]:
    """Write the copy as a JSON object."""
    members: Any = _COPY.write(copy)
    return {"v": _VERSION, **members}


def from_document(document: object) -> LedgerCopy:
    """Read what `to_document` wrote of a copy whose audit chain verifies, and nothing else.

    Raises:
        LedgerCopyError: a member is missing, unknown or malformed; the audit chain does not verify; a rotation is of no
            ring, or stands there twice, as a secret of the webhook does.
    """
    try:
        return _COPY.read(_members_of_version(document))
    except FormError as error:
        raise LedgerCopyError(f"this is no copy of a ledger: {error}") from None


def _members_of_version(document: object) -> dict[Any, object]:
    if not isinstance(document, dict):
        raise FormError("expected an object")
    if type(document.get("v")) is not int or document["v"] != _VERSION:
        raise FormError(f"expected the version {_VERSION}")
    return {name: value for name, value in document.items() if name != "v"}


def _sound(**members: Any) -> LedgerCopy:  # noqa: ANN401 (the forms of the members give their types)
    copy = LedgerCopy(**members)
    verify(copy.entries)
    rotations = [(one.request.rotation_id, one.family) for one in copy.rotations]
    if {family for _, family in rotations} - copy.rings.keys():
        raise FormError("a rotation is of a family without a ring")
    if len(set(rotations)) != len(rotations):
        raise FormError("a rotation stands there twice")
    if len({secret.name for secret in copy.webhook_secrets}) != len(copy.webhook_secrets):
        raise FormError("a secret of the webhook stands there twice")
    return copy


def _to_scope(text: str) -> str:
    if text not in _SCOPES:
        raise ValueError("no scope of a rotation")
    return text


_ROTATION: Final = record(
    RotationRecord,
    {
        "request": record(
            RotationRequest,
            {
                "rotation_id": TEXT,
                "scope": forms.of_text(_to_scope, str, f"one of {', '.join(sorted(_SCOPES))}"),
                "force": forms.TRUTH,
                "reason": TEXT,
                "actor": TEXT,
            },
        ),
        "family": FAMILY,
        "status": forms.named(RotationStatus),
        "opened_at": MOMENT,
        "old_kid": optional(KID),
        "new_kid": optional(KID),
        "generation": optional(NUMBER),
        "settled_at": optional(MOMENT),
    },
)
_ENTRY: Final = record(
    AuditEntry,
    {
        "sequence": NUMBER,
        "fact": record(
            AuditFact,
            {
                "at": MOMENT,
                "actor": TEXT,
                "action": TEXT,
                "family": optional(FAMILY),
                "kid": optional(KID),
                "reason": TEXT,
                "detail": forms.TEXTS,
            },
        ),
        "previous_hash": DIGEST,
        "hash": DIGEST,
    },
)
_SECRET_NAME: Final = forms.of_text(lambda text: SecretPath((text,)).segments[0], str, "a segment of a secret path")
_COPY: Final[Form[LedgerCopy]] = record(
    _sound,
    {
        "time": optional(record(LedgerTime, {"at": MOMENT, "reading": forms.CLOCK_READING})),
        "rings": forms.RINGS,
        "rotations": items(_ROTATION),
        "usage": forms.table(KID, lambda _kid: NUMBER),
        "webhook_secrets": items(
            record(WebhookSecret, {"name": _SECRET_NAME, "made_at": MOMENT, "used_at": optional(MOMENT)})
        ),
        "entries": items(_ENTRY),
    },
)
