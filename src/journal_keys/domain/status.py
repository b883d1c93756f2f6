"""What an operator sees of the rings at one moment: the key in use, what happens next and when, what is in the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from journal_keys.domain import rotation
from journal_keys.domain.audit_chain import AuditEntry, AuditHead
from journal_keys.domain.changes import RotationRecord
from journal_keys.domain.encryption_budget import is_worn
from journal_keys.domain.fleet import Instance, Laggard
from journal_keys.domain.forms import iso
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.windows import Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class NextEvent:
    """What happens to a key next, in words, and when; `at` is None where no time decides it."""

    kid: Kid
    what: str
    at: datetime | None


class Obstacle(StrEnum):
    """What a rotation waits for."""

    WINDOW = "window"
    """The staged key is younger than W1."""
    INSTANCES = "instances"
    """A live instance holds an older generation."""
    STAGING = "staging"
    """No key is staged."""
    PASS = "pass"  # noqa: S105 (no password)
    """Nothing but the next pass of the scheduler or of reconcile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Rotations that were asked for and are not done; at `until` the gate is open at the latest."""

    rotations: tuple[RotationRecord, ...]
    obstacle: Obstacle
    because: str
    until: datetime
    behind: tuple[Laggard, ...]

    @property
    def since(self) -> datetime:
        """When the first of them was opened."""
        return self.rotations[0].opened_at


@dataclass(frozen=True, slots=True, kw_only=True)
class RingStatus:
    """One ring on the ledger's clock.

    `upcoming` is sorted by time, what no time decides last; `trouble` says what somebody should look at, and is empty
    where nothing is. `encryptions` are those of the ACTIVE key in all processes, 0 for signing keys.
    """

    ring: KeyRing
    due_at: datetime
    upcoming: tuple[NextEvent, ...]
    wait: Wait | None
    encryptions: int
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditStatus:
    """How far the audit chain was followed, and whether it holds.

    `broken` says which link does not hold, and is empty while all do; `whole_at` is when the chain was last followed
    from its beginning, None where that has not happened yet.
    """

    head: AuditHead
    whole_at: datetime | None
    broken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Everything at one moment of the ledger's clock: rings (None: not made yet), live instances, the audit trail.

    `recent` are the newest audit entries, the newest first.
    """

    at: datetime
    rings: Mapping[Family, RingStatus | None]
    instances: tuple[Instance, ...]
    audit: AuditStatus
    recent: tuple[AuditEntry, ...]


def next_of(
    ring: KeyRing, version: KeyVersion, policy: RotationPolicy, windows: Windows, *, wanted: bool
) -> tuple[str, datetime | None]:
    """Say what happens to a key next, and when; `wanted` where a rotation waits already."""
    due = rotation.due_at(ring, policy)
    match version.state:
        case KeyState.PRE_ACTIVATION:
            ready = rotation.gate(version, windows)
            return "it is promoted by the next rotation", ready if wanted else max(ready, due)
        case KeyState.ACTIVE:
            return "it is demoted by the next rotation", due
        case KeyState.DEACTIVATED if ring.family is Family.JWT:
            return "it is destroyed, past its last token", version.since + windows.promote_to_retire
        case KeyState.DEACTIVATED:
            return "it decrypts until it is proved that nothing uses it", None
        case KeyState.COMPROMISED:
            return "nothing: it is never used again", None
        case KeyState.DESTROYED:
            return "nothing: its material is gone", None


def ring_status(  # noqa: PLR0913 (one look at the ledger, and the rules)
    ring: KeyRing,
    policy: RotationPolicy,
    windows: Windows,
    *,
    now: datetime,
    waiting: Sequence[RotationRecord],
    behind: Sequence[Laggard],
    encryptions: int,
) -> RingStatus:
    """Give the status of a ring that the ledger showed with what waits for it and who is behind it."""
    wait = _wait(ring, policy, windows, now=now, waiting=waiting, behind=behind) if waiting else None
    return RingStatus(
        ring=ring,
        due_at=rotation.due_at(ring, policy),
        upcoming=_upcoming(ring, policy, windows, wait),
        wait=wait,
        encryptions=encryptions,
        trouble=_trouble(ring, policy, windows, now=now, wait=wait, encryptions=encryptions),
    )


def _wait(
    ring: KeyRing,
    policy: RotationPolicy,
    windows: Windows,
    *,
    now: datetime,
    waiting: Sequence[RotationRecord],
    behind: Sequence[Laggard],
) -> Wait:
    ignored = waiting[0].request.ignored  # the first is the one that a pass asks for
    counted = tuple(one for one in behind if one.name not in ignored)
    because, until = "the next pass of the scheduler or of reconcile does it", now
    obstacle, held_by = Obstacle.PASS, tuple[Laggard, ...]()
    match rotation.decide(ring, policy, windows, now=now, wanted=True, behind=counted):
        case rotation.StageFirst():
            obstacle, because = Obstacle.STAGING, "no key is staged: the next pass of reconcile stages one"
        case rotation.WaitUntil() as shut:
            because, until = shut.because, shut.until
            is_young = now < rotation.gate(shut.staged, windows)
            obstacle, held_by = (Obstacle.WINDOW, ()) if is_young else (Obstacle.INSTANCES, counted)
        case rotation.Promote() | rotation.NotDueUntil():
            pass
    return Wait(rotations=tuple(waiting), obstacle=obstacle, because=because, until=until, behind=held_by)


def _upcoming(ring: KeyRing, policy: RotationPolicy, windows: Windows, wait: Wait | None) -> tuple[NextEvent, ...]:
    events = []
    for version in ring.accepted:
        if version.state is KeyState.ACTIVE:  # the staged key's promotion is its demotion
            continue
        what, at = next_of(ring, version, policy, windows, wanted=False)
        if version.state is KeyState.PRE_ACTIVATION and wait is not None:
            at = wait.until
        events.append(NextEvent(kid=version.kid, what=what, at=at))
    return tuple(sorted(events, key=lambda event: (event.at is None, event.at or ring.changed_at)))


def _trouble(
    ring: KeyRing,
    policy: RotationPolicy,
    windows: Windows,
    *,
    now: datetime,
    wait: Wait | None,
    encryptions: int,
) -> str:
    if wait is not None and wait.obstacle is Obstacle.INSTANCES:
        number = len(wait.behind)
        return f"a rotation waits for {number} instance{'s' if number > 1 else ''}: {wait.because}"
    if wait is not None and wait.obstacle is Obstacle.PASS and now - wait.since > 2 * windows.publish_to_promote:
        return f"a rotation waits since {iso(wait.since)}: nobody makes a pass; run 'journal-keys reconcile'"
    return trouble_of(ring, policy, windows, now=now, encryptions=encryptions)


def trouble_of(ring: KeyRing, policy: RotationPolicy, windows: Windows, *, now: datetime, encryptions: int) -> str:
    """Say what of a ring somebody should look at, whatever waits: no staged key, overdue, or worn by encryptions."""
    overdue = now - rotation.due_at(ring, policy)
    if ring.staged is None:
        return "no key is staged: run 'journal-keys reconcile'"
    if overdue > windows.publish_to_promote:
        return f"rotation is overdue by {overdue.total_seconds():.0f} s"
    if is_worn(encryptions):
        return (
            f"{ring.active.kid} has made {encryptions} encryptions of at most 2^32:"
            " run 'journal-keys rotate aes --force'"
        )
    return ""
