"""What one ledger transaction holds: the ring after it, the rotations it settles, the facts it audits."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from journal_keys.domain.errors import InvalidNameError, RotationConflictError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.ledger_clock import LedgerTime

LEDGER_RESTORED: Final = "ledger_restored"
KEY_RECOVERED: Final = "key_recovered"
REFOUNDINGS: Final = frozenset({LEDGER_RESTORED, KEY_RECOVERED})
"""Actions by which a ledger rightly goes on with another audit chain than the lost one had."""

CLOCK_ACCEPTED: Final = "clock_accepted"
ADMIN_CALLS: Final = frozenset({"admin_called", "admin_refused", "admin_failed"})
OF_NO_KEY: Final = ADMIN_CALLS | {CLOCK_ACCEPTED}
"""Actions that an empty ledger comes to as well: somebody asked its service, or accepted its clock."""

MOST_REASON: Final = 500
_ROTATION_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def check_reason(reason: str) -> str:
    """Give the reason back when it is one line that every log, terminal and database can hold.

    Raises:
        InvalidNameError: it is empty, longer than 500 characters, or holds one that is not printable.
    """
    if not 1 <= len(reason) <= MOST_REASON or not reason.isprintable():
        raise InvalidNameError(f"the reason is malformed: expected 1 to {MOST_REASON} printable characters")
    return reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRequest:
    """Who asks for a rotation, and why. `scope` is `jwt`, `aes` or `both`; the id is the caller's choice.

    Instances that are `ignored`, by name, do not hold the gate shut; that is asked for at each call and not recorded
    with the intent.

    Raises:
        InvalidNameError: at construction, when reason or id is not of its form.
    """

    rotation_id: str
    scope: str
    force: bool
    reason: str
    actor: str
    ignored: frozenset[str] = field(default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        check_reason(self.reason)
        if not _ROTATION_ID.fullmatch(self.rotation_id):
            raise InvalidNameError("the rotation_id is malformed: expected 1 to 128 of A-Z a-z 0-9 . _ : -")


class RotationStatus(StrEnum):
    """Whether a recorded rotation is still to be done by anybody."""

    WAITING = "waiting"
    PROMOTED = "promoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRecord:
    """The intent row of one family's part of a rotation, and its result once it is PROMOTED."""

    request: RotationRequest
    family: Family
    status: RotationStatus
    opened_at: datetime
    old_kid: Kid | None = None
    new_kid: Kid | None = None
    generation: int | None = None
    settled_at: datetime | None = None

    def check_same(self, request: RotationRequest) -> None:
        """Refuse the same id with other parameters.

        Raises:
            RotationConflictError: scope, force or reason differ.
        """
        mine = self.request
        if (mine.scope, mine.force, mine.reason) != (request.scope, request.force, request.reason):
            raise RotationConflictError(
                f"rotation id {request.rotation_id!r} was used for scope {mine.scope}, force {mine.force}"
                " with its own reason: a new rotation needs a new id"
            )

    def settled(self, *, old: Kid, new: Kid, ring: KeyRing) -> "RotationRecord":
        """This record as PROMOTED by the change that made `ring`."""
        return replace(
            self,
            status=RotationStatus.PROMOTED,
            old_kid=old,
            new_kid=new,
            generation=ring.generation,
            settled_at=ring.changed_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFact:
    """One thing that happened, in the past tense (`key_promoted`). `detail` holds text only, and no secret."""

    at: datetime
    actor: str
    action: str
    family: Family | None
    kid: Kid | None
    reason: str
    detail: Mapping[str, str] = field(default_factory=dict)


def clock_accepted(before: LedgerTime | None, now: LedgerTime, *, actor: str, reason: str) -> AuditFact:
    """The fact that somebody declared a host's clock right, with the wall clock's readings."""
    detail = {
        "wall": now.reading.wall.isoformat(),
        "wall_before": before.reading.wall.isoformat() if before else "none",
    }
    return AuditFact(at=now.at, actor=actor, action=CLOCK_ACCEPTED, family=None, kid=None, reason=reason, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class RingChange:
    """One compare-and-set: `ring` replaces the ring of generation `ring.generation - 1`.

    `founding` is true for the change that makes a ring where the ledger has none; only then the first generation may
    be any number ≥ 1.
    """

    ring: KeyRing
    facts: tuple[AuditFact, ...]
    rotations: tuple[RotationRecord, ...] = ()
    founding: bool = False

    @property
    def expected_generation(self) -> int:
        """The generation that the ledger must hold, 0 for no ring."""
        return 0 if self.founding else self.ring.generation - 1


Transition: TypeAlias = Callable[[datetime], RingChange]
"""Gives the change as of a moment on the ledger's clock. Pure: the ledger calls it inside its transaction."""
