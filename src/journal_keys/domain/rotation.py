"""The state machine of a ring: decisions as values, transitions as `RingChange`s. Every use case goes through here."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from journal_keys.domain.changes import KEY_RECOVERED, AuditFact, RingChange, RotationRecord
from journal_keys.domain.errors import TransitionError
from journal_keys.domain.fleet import Laggard
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.windows import Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """When, by whom and why a change is made."""

    at: datetime
    actor: str
    reason: str

    def when(self, at: datetime) -> "Cause":
        """This cause, at the moment of the change."""
        return replace(self, at=at)

    def fact(self, action: str, version: KeyVersion, **detail: str) -> AuditFact:
        """One audit fact about a key version."""
        return AuditFact(
            at=self.at,
            actor=self.actor,
            action=action,
            family=version.family,
            kid=version.kid,
            reason=self.reason,
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class Promote:
    """The staged key may become ACTIVE now."""

    staged: KeyVersion


@dataclass(frozen=True, slots=True)
class StageFirst:
    """A rotation is wanted and no key is staged."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Some verifier may not know the staged key yet: it is too young, or an instance says so."""

    staged: KeyVersion
    until: datetime
    because: str


@dataclass(frozen=True, slots=True)
class NotDueUntil:
    """Nothing is wanted before `due_at`."""

    due_at: datetime


Decision: TypeAlias = Promote | StageFirst | WaitUntil | NotDueUntil


def due_at(ring: KeyRing, policy: RotationPolicy) -> datetime:
    """When the ACTIVE key has been active for one interval."""
    return ring.active.since + policy.interval


def gate(staged: KeyVersion, windows: Windows) -> datetime:
    """When every view and JWKS cache is sure to hold a staged key: published + W1."""
    return staged.published_at + windows.publish_to_promote


def decide(
    ring: KeyRing,
    policy: RotationPolicy,
    windows: Windows,
    *,
    now: datetime,
    wanted: bool,
    behind: Sequence[Laggard] = (),
) -> Decision:
    """Say what a rotation may do now. `wanted` skips "not due", never the gate: age, and every live instance.

    An instance that is `behind` holds the gate shut until it catches up, leaves, or its report expires.
    """
    due = due_at(ring, policy)
    if not wanted and now < due:
        return NotDueUntil(due)
    staged = ring.staged
    if staged is None:
        return StageFirst()
    until = gate(staged, windows)
    if now < until:
        seconds = windows.publish_to_promote.total_seconds()
        because = f"{staged.kid} was published {_ago(now - staged.published_at)} ago and W1 is {seconds:g} s"
        return WaitUntil(staged, until, because)
    if behind:
        others = f" and {len(behind) - 1} more" if len(behind) > 1 else ""
        return WaitUntil(staged, max(one.expires_at for one in behind), f"{behind[0]}{others}")
    return Promote(staged)


def _ago(age: timedelta) -> str:
    return f"{age.total_seconds():.3g} s"


def found(active: KeyVersion, staged: KeyVersion, cause: Cause) -> RingChange:
    """The first ring of a family: both keys are new, one of them ACTIVE at once."""
    published, staged = replace(active, published_at=cause.at), replace(staged, published_at=cause.at)
    first = published.moved_to(KeyState.ACTIVE, cause.at)
    ring = KeyRing(family=active.family, generation=1, changed_at=cause.at, versions=(first, staged))
    facts = (
        cause.fact("key_published", published),
        cause.fact("key_promoted", first),
        cause.fact("key_published", staged),
    )
    return RingChange(ring=ring, facts=facts, founding=True)


def found_on(
    active: KeyVersion, staged: KeyVersion, others: Iterable[KeyVersion], cause: Cause, *, generation: int
) -> RingChange:
    """The first ring of a family that has keys from elsewhere: imported ones keep their kids.

    `others` verify and decrypt only. `generation` is above any that an instance may still hold.
    """
    begun = found(active, staged, cause)
    read = tuple(_read_only(version, cause.at) for version in others)
    ring = replace(begun.ring, generation=generation, versions=(*begun.ring.versions, *read))
    return replace(begun, ring=ring, facts=(*begun.facts, *(cause.fact("key_imported", one) for one in read)))


def admit(ring: KeyRing, versions: Iterable[KeyVersion], cause: Cause) -> RingChange:
    """Take imported keys into a ring that is there: they verify or decrypt from now on, and nothing else.

    Raises:
        RingInvariantError: the ring knows one of the kids.
    """
    read = tuple(_read_only(version, cause.at) for version in versions)
    facts = tuple(cause.fact("key_imported", version) for version in read)
    return RingChange(ring=_next(ring, cause, (*ring.versions, *read)), facts=facts)


def _read_only(version: KeyVersion, at: datetime) -> KeyVersion:
    published = replace(version, published_at=at)
    return published.moved_to(KeyState.ACTIVE, at).moved_to(KeyState.DEACTIVATED, at)


def published(version: KeyVersion, at: datetime) -> KeyVersion:
    """Give a new key as published at this moment: nobody could see it while its material was made."""
    return replace(version, published_at=at)


def publish(ring: KeyRing, staged: KeyVersion, cause: Cause) -> RingChange:
    """Add a staged key, published as of now: nobody could see it while its material was made.

    Raises:
        RingInvariantError: the ring has one, or knows the kid.
    """
    staged = replace(staged, published_at=cause.at)
    return RingChange(
        ring=_next(ring, cause, (*ring.versions, staged)),
        facts=(cause.fact("key_published", staged),),
    )


def open_rotation(ring: KeyRing, record: RotationRecord, cause: Cause) -> RingChange:
    """Record the intent to rotate as soon as the gate allows; the keys stay as they are."""
    record = replace(record, opened_at=cause.at)
    fact = cause.fact("rotation_opened", ring.active, rotation_id=record.request.rotation_id)
    return RingChange(ring=_next(ring, cause, ring.versions), facts=(fact,), rotations=(record,))


def promote(
    ring: KeyRing, cause: Cause, records: Iterable[RotationRecord] = (), *, ignored: Iterable[Laggard] = ()
) -> RingChange:
    """Make the staged key ACTIVE and the ACTIVE key DEACTIVATED, and settle these rotations with that result.

    Of each instance that was `ignored` at the gate a fact tells.

    Raises:
        TransitionError: no key is staged.
    """
    staged = _staged(ring)
    old = ring.active.moved_to(KeyState.DEACTIVATED, cause.at)
    new = staged.moved_to(KeyState.ACTIVE, cause.at)
    after = _next(ring, cause, _replaced(ring, {old.kid: old, new.kid: new}))
    settled = tuple(record.settled(old=old.kid, new=new.kid, ring=after) for record in records)
    ids = {"rotation_id": settled[0].request.rotation_id} if settled else {}
    passed = (
        cause.fact("instance_ignored", new, instance=one.name, generation=str(one.held.generation)) for one in ignored
    )
    facts = (*passed, cause.fact("key_promoted", new, **ids), cause.fact("key_demoted", old, **ids))
    return RingChange(ring=after, facts=facts, rotations=settled)


def compromise(ring: KeyRing, kid: Kid, cause: Cause, records: Iterable[RotationRecord] = ()) -> RingChange:
    """Take a key out of every accept-list; where it was ACTIVE, the staged key takes its place at once.

    Raises:
        UnknownKeyError: the ring never had the key.
        TransitionError: the key is DESTROYED or COMPROMISED, or it is ACTIVE and no key is staged.
    """
    hit = ring.get(kid)
    gone = hit.moved_to(KeyState.COMPROMISED, cause.at)
    changed = {kid: gone}
    facts = [cause.fact("key_compromised", gone, was=hit.state.value)]
    settled: tuple[RotationRecord, ...] = ()
    if hit.state is KeyState.ACTIVE:
        new = _staged(ring).moved_to(KeyState.ACTIVE, cause.at)
        changed[new.kid] = new
        facts.append(cause.fact("key_promoted", new))
    after = _next(ring, cause, _replaced(ring, changed))
    if hit.state is KeyState.ACTIVE:
        settled = tuple(record.settled(old=kid, new=after.active.kid, ring=after) for record in records)
    return RingChange(ring=after, facts=tuple(facts), rotations=settled)


def retirable(
    ring: KeyRing, windows: Windows, *, now: datetime, unused: frozenset[Kid] = frozenset()
) -> tuple[KeyVersion, ...]:
    """The DEACTIVATED keys that may be destroyed: JWT after W2; AES only where the caller has proved zero use."""
    waited = ring.in_states(KeyState.DEACTIVATED)
    if ring.family is Family.AES:
        return tuple(version for version in waited if version.kid in unused)
    return tuple(version for version in waited if now >= version.since + windows.promote_to_retire)


def retire(ring: KeyRing, versions: Iterable[KeyVersion], cause: Cause) -> RingChange:
    """Make these keys DESTROYED; their material is deleted from the store after this change, never before.

    Raises:
        TransitionError: one of them is ACTIVE or DESTROYED.
    """
    gone = {version.kid: version.moved_to(KeyState.DESTROYED, cause.at) for version in versions}
    facts = tuple(cause.fact("key_destroyed", version) for version in gone.values())
    return RingChange(ring=_next(ring, cause, _replaced(ring, gone)), facts=facts)


def destroy(ring: KeyRing, version: KeyVersion, cause: Cause, *, grounds: str) -> RingChange:
    """Make one key DESTROYED, for these grounds; its material is deleted afterwards.

    Raises:
        TransitionError: it is ACTIVE or DESTROYED.
    """
    gone = version.moved_to(KeyState.DESTROYED, cause.at)
    fact = cause.fact("key_destroyed", gone, was=version.state.value, grounds=grounds)
    return RingChange(ring=_next(ring, cause, _replaced(ring, {gone.kid: gone})), facts=(fact,))


def condemn(ring: KeyRing, orphans: Iterable[KeyVersion], cause: Cause) -> RingChange:
    """Give unpublished material a DESTROYED row, so that nobody can publish it later; then it is deleted."""
    gone = tuple(version.moved_to(KeyState.DESTROYED, cause.at) for version in orphans)
    facts = tuple(cause.fact("orphan_condemned", version) for version in gone)
    return RingChange(ring=_next(ring, cause, (*ring.versions, *gone)), facts=facts)


def restored(
    ring: KeyRing,
    cause: Cause,
    *,
    buried: Container[Kid] = (),
    lost: Container[Kid] = (),
    fresh: tuple[KeyVersion, KeyVersion] | None = None,
) -> RingChange:
    """Let a ring out of a backup go on: of `buried` keys a tombstone tells, of `lost` ones the material is not there.

    Where the ACTIVE key is neither it stays so; else the staged key takes its place, or `fresh` ones do, ACTIVE and
    staged. The generation is above any that an instance may hold (Unix seconds). The first fact is of the ring.

    Raises:
        RingInvariantError: the ring would have no ACTIVE key.
    """
    facts = [
        AuditFact(
            at=cause.at,
            actor=cause.actor,
            action="ring_restored",
            family=ring.family,
            kid=None,
            reason=cause.reason,
            detail={"generation": str(ring.generation)},
        )
    ]
    versions = []
    for version in ring.versions:
        gone = _after_loss(version, cause.at, is_buried=version.kid in buried, is_lost=version.kid in lost)
        if gone.state is not version.state:
            facts.append(cause.fact(_LOSSES[gone.state], gone))
        versions.append(gone)
    if not any(version.state is KeyState.ACTIVE for version in versions):
        taken = fresh or tuple(version for version in versions if version.state is KeyState.PRE_ACTIVATION)
        new = [one if number else one.moved_to(KeyState.ACTIVE, cause.at) for number, one in enumerate(taken)]
        facts += [cause.fact("key_published" if number else "key_promoted", one) for number, one in enumerate(new)]
        versions = [*(version for version in versions if version not in taken), *new]
    after = KeyRing(
        family=ring.family,
        generation=max(ring.generation + 1, int(cause.at.timestamp())),
        changed_at=cause.at,
        versions=tuple(versions),
    )
    return RingChange(ring=after, facts=tuple(facts), founding=True)


_LOSSES: Final = {
    KeyState.COMPROMISED: "key_compromised",
    KeyState.DEACTIVATED: "key_demoted",
    KeyState.DESTROYED: "key_destroyed",
}


def _after_loss(version: KeyVersion, at: datetime, *, is_buried: bool, is_lost: bool) -> KeyVersion:
    if is_buried and version.is_accepted:
        return version.moved_to(KeyState.COMPROMISED, at)
    if is_lost and version.algorithm is Algorithm.HS256 and version.is_accepted:
        return version.moved_to(KeyState.DESTROYED, at)  # what it signed can be verified with nothing else
    if is_lost and version.state is KeyState.PRE_ACTIVATION:
        return version.moved_to(KeyState.ACTIVE, at).moved_to(KeyState.DEACTIVATED, at)
    if is_lost and version.state is KeyState.ACTIVE:
        return version.moved_to(KeyState.DEACTIVATED, at)
    return version


def age_for_use(version: KeyVersion) -> tuple[bool, datetime, Kid]:
    """Sort keys that may come into use: imported ones first, because they only read where others are, then by age."""
    return version.derived_kid is None, version.created_at, version.kid


def recover(
    versions: Mapping[Kid, KeyVersion], active: Kid, staged: Kid | None, cause: Cause, *, generation: int
) -> RingChange:
    """Rebuild a ring from stored material: one ACTIVE key, one staged, the rest DEACTIVATED.

    Staged is the newest key where `staged` is None, and none where that is the ACTIVE one. COMPROMISED versions stay
    so. `generation` is above any that an instance may still hold.
    """
    usable = sorted(
        (version for version in versions.values() if version.is_accepted and not version.is_read_only),
        key=age_for_use,
    )
    staged = staged or usable[-1].kid
    keys = [_recovered(version, active, staged, cause.at) for version in versions.values()]
    ring = KeyRing(
        family=versions[active].family,
        generation=generation,
        changed_at=cause.at,
        versions=tuple(keys),
    )
    facts = tuple(cause.fact(KEY_RECOVERED, version, state=version.state.value) for version in ring.versions)
    return RingChange(ring=ring, facts=facts, founding=True)


def _recovered(version: KeyVersion, active: Kid, staged: Kid, at: datetime) -> KeyVersion:
    if version.state is KeyState.COMPROMISED:
        return version
    if version.kid == active:
        return version.moved_to(KeyState.ACTIVE, at)
    if version.kid == staged:
        return replace(version, published_at=at)
    return version.moved_to(KeyState.ACTIVE, at).moved_to(KeyState.DEACTIVATED, at)


def _staged(ring: KeyRing) -> KeyVersion:
    staged = ring.staged
    if staged is None:
        raise TransitionError(f"ring {ring.family} has no staged key to promote: stage one first")
    return staged


def _replaced(ring: KeyRing, changed: Mapping[Kid, KeyVersion]) -> tuple[KeyVersion, ...]:
    return tuple(changed.get(version.kid, version) for version in ring.versions)


def _next(ring: KeyRing, cause: Cause, versions: tuple[KeyVersion, ...]) -> KeyRing:
    return KeyRing(family=ring.family, generation=ring.generation + 1, changed_at=cause.at, versions=versions)
