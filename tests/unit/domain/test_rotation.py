"""The state machine as tables: ring before, policy, instants; outcome, ring after, and what the audit says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.domain import rotation
from journal_keys.domain.changes import AuditFact, RingChange, RotationRecord, RotationRequest, RotationStatus
from journal_keys.domain.errors import RingInvariantError, TransitionError, UnknownKeyError
from journal_keys.domain.fleet import Held, Laggard
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause, Decision, NotDueUntil, Promote, StageFirst, WaitUntil
from journal_keys.domain.windows import Windows

S = KeyState
T0 = datetime(2026, 1, 1, tzinfo=UTC)
NOW = T0 + timedelta(days=100)
EARLIER = T0 + timedelta(days=99)
TICK = timedelta(microseconds=1)
INTERVAL = timedelta(days=60)
POLICY = RotationPolicy(family=Family.JWT, interval=INTERVAL, algorithm=Algorithm.EDDSA)
WINDOWS = Windows(
    jwks_max_age=timedelta(seconds=600),
    view_ttl=timedelta(seconds=300),
    poll=timedelta(seconds=15),
    longest_token=timedelta(days=14),
    leeway=timedelta(seconds=60),
    skew=timedelta(seconds=60),
)
W1, W2 = timedelta(seconds=675), timedelta(days=14, seconds=435)
CAUSE = Cause(at=NOW, actor="operator:alice", reason="because")
REQUEST = RotationRequest(rotation_id="r1", scope="jwt", force=True, reason="because", actor="operator:alice")
RECORD = RotationRecord(request=REQUEST, family=Family.JWT, status=RotationStatus.WAITING, opened_at=T0)


def key(kid: str, state: KeyState = S.PRE_ACTIVATION, at: datetime = T0, family: Family = Family.JWT) -> KeyVersion:
    """A version that was created and published at T0 and entered its state at `at`."""
    moments = {S.ACTIVE: "activated_at", S.DEACTIVATED: "deactivated_at", S.COMPROMISED: "compromised_at"}
    version = KeyVersion(
        kid=Kid(kid),
        family=family,
        algorithm=Algorithm.EDDSA,
        digest=f"digest of {kid}",
        public_jwk=None,
        state=state,
        created_at=T0,
        published_at=at if state is S.PRE_ACTIVATION else T0,
    )
    return replace(version, **{moments[state]: at}) if state in moments else version  # type: ignore[arg-type]


def ring(*versions: KeyVersion) -> KeyRing:
    return KeyRing(family=versions[0].family, generation=7, changed_at=T0, versions=versions)


OLD, ACTIVE, STAGED = key("old", S.DEACTIVATED), key("active", S.ACTIVE), key("staged")
WHOLE = ring(OLD, ACTIVE, STAGED)
BARE = ring(OLD, ACTIVE)


def shown(change: RingChange) -> dict[str, tuple[KeyState, datetime]]:
    """The ring after: each key's state and since when."""
    return {version.kid: (version.state, version.since) for version in change.ring.versions}


def fact(action: str, kid: str, **detail: str) -> AuditFact:
    return AuditFact(
        at=NOW,
        actor="operator:alice",
        action=action,
        family=Family.JWT,
        kid=Kid(kid),
        reason="because",
        detail=detail,
    )


def check_follows(change: RingChange) -> None:
    """Hold the change to be the next one of the ring of generation 7, made now."""
    assert (change.ring.family, change.ring.generation, change.ring.changed_at) == (Family.JWT, 8, NOW)
    assert (change.founding, change.expected_generation) == (False, 7)


def test_a_cause_takes_the_moment_of_the_change_and_keeps_the_rest() -> None:
    assert Cause(at=EARLIER, actor="operator:alice", reason="because").when(NOW) == CAUSE


YOUNG = key("staged", at=T0 + INTERVAL)
WAITS = WaitUntil(YOUNG, T0 + INTERVAL + W1, "staged was published 675 s ago and W1 is 675 s")
DECISIONS = [
    pytest.param(WHOLE, INTERVAL - TICK, False, NotDueUntil(T0 + INTERVAL), id="a tick before the interval is over"),
    pytest.param(WHOLE, INTERVAL, False, Promote(STAGED), id="when the interval is over"),
    pytest.param(WHOLE, W1, True, Promote(STAGED), id="wanted, W1 after publication"),
    pytest.param(
        WHOLE,
        timedelta(seconds=100),
        True,
        WaitUntil(STAGED, T0 + W1, "staged was published 100 s ago and W1 is 675 s"),
        id="wanted, inside W1",
    ),
    pytest.param(ring(ACTIVE, YOUNG), INTERVAL + W1 - TICK, False, WAITS, id="due, a tick before W1 is over"),
    pytest.param(ring(ACTIVE, YOUNG), INTERVAL + W1, False, Promote(YOUNG), id="due, when W1 is over"),
    pytest.param(BARE, INTERVAL, False, StageFirst(), id="due and nothing staged"),
    pytest.param(BARE, timedelta(0), True, StageFirst(), id="wanted and nothing staged"),
    pytest.param(BARE, timedelta(0), False, NotDueUntil(T0 + INTERVAL), id="not due and nothing staged"),
]


@pytest.mark.parametrize(("before", "passed", "wanted", "decision"), DECISIONS)
def test_what_a_rotation_may_do_now(before: KeyRing, passed: timedelta, wanted: bool, decision: Decision) -> None:  # noqa: FBT001
    assert rotation.decide(before, POLICY, WINDOWS, now=T0 + passed, wanted=wanted) == decision


FIRST_BEHIND = Laggard(
    name="web-1", held=Held(generation=6, since=T0), ring_generation=7, expires_at=T0 + INTERVAL + timedelta(seconds=9)
)
SECOND_BEHIND = replace(
    FIRST_BEHIND, name="web-2", held=Held(generation=5, since=T0), expires_at=T0 + INTERVAL + timedelta(seconds=5)
)


@pytest.mark.parametrize(
    ("behind", "because"),
    [
        ([FIRST_BEHIND], "instance web-1 holds generation 6 of 7 since 2026-01-01T00:00:00Z"),
        (
            [SECOND_BEHIND, FIRST_BEHIND],
            "instance web-2 holds generation 5 of 7 since 2026-01-01T00:00:00Z and 1 more",
        ),
    ],
)
def test_an_instance_that_is_behind_holds_the_gate_shut_until_its_report_expires(
    behind: list[Laggard], because: str
) -> None:
    decision = rotation.decide(WHOLE, POLICY, WINDOWS, now=T0 + INTERVAL, wanted=True, behind=behind)
    assert decision == WaitUntil(STAGED, FIRST_BEHIND.expires_at, because)


@pytest.mark.parametrize(
    ("before", "passed", "wanted"), [(WHOLE, timedelta(seconds=100), True), (WHOLE, INTERVAL - TICK, False)]
)
def test_an_instance_that_is_behind_changes_nothing_where_the_gate_is_shut_anyway(
    before: KeyRing,
    passed: timedelta,
    wanted: bool,  # noqa: FBT001
) -> None:
    with_it, without = (
        rotation.decide(before, POLICY, WINDOWS, now=T0 + passed, wanted=wanted, behind=behind)
        for behind in ([FIRST_BEHIND], [])
    )
    assert with_it == without


def test_of_each_ignored_instance_a_fact_tells() -> None:
    change = rotation.promote(WHOLE, CAUSE, ignored=[FIRST_BEHIND])
    assert change.facts[0] == fact("instance_ignored", "staged", instance="web-1", generation="6")
    assert change.facts[1:] == rotation.promote(WHOLE, CAUSE).facts


def test_a_first_ring_has_a_key_that_signs_at_once_and_one_that_waits_both_published_now() -> None:
    change = rotation.found(key("first", at=EARLIER), key("second", at=EARLIER), CAUSE)
    assert shown(change) == {"first": (S.ACTIVE, NOW), "second": (S.PRE_ACTIVATION, NOW)}
    assert {version.published_at for version in change.ring.versions} == {NOW}
    assert change.ring.active.activated_at == NOW
    assert (change.ring.family, change.ring.generation, change.ring.changed_at) == (Family.JWT, 1, NOW)
    assert (change.founding, change.expected_generation, change.rotations) == (True, 0, ())
    assert change.facts == (
        fact("key_published", "first"),
        fact("key_promoted", "first"),
        fact("key_published", "second"),
    )


def test_a_staged_key_is_published_as_of_the_change_and_not_of_its_making() -> None:
    change = rotation.publish(BARE, key("staged", at=EARLIER), CAUSE)
    assert change.ring.versions[:2] == BARE.versions
    assert shown(change)["staged"] == (S.PRE_ACTIVATION, NOW)
    assert (change.facts, change.rotations) == ((fact("key_published", "staged"),), ())
    check_follows(change)


@pytest.mark.parametrize(("before", "kid"), [(WHOLE, "another"), (BARE, "active")], ids=["one is staged", "known kid"])
def test_a_second_staged_key_and_a_known_kid_are_not_published(before: KeyRing, kid: str) -> None:
    with pytest.raises(RingInvariantError):
        rotation.publish(before, key(kid), CAUSE)


def test_an_opened_rotation_is_recorded_as_of_the_change_and_the_keys_stay() -> None:
    change = rotation.open_rotation(WHOLE, RECORD, CAUSE)
    assert change.ring.versions == WHOLE.versions
    waiting = RotationRecord(request=REQUEST, family=Family.JWT, status=RotationStatus.WAITING, opened_at=NOW)
    assert change.rotations == (waiting,)
    assert change.facts == (fact("rotation_opened", "active", rotation_id="r1"),)
    check_follows(change)


def settled(old: str, new: str) -> RotationRecord:
    return RotationRecord(
        request=REQUEST,
        family=Family.JWT,
        status=RotationStatus.PROMOTED,
        opened_at=T0,
        old_kid=Kid(old),
        new_kid=Kid(new),
        generation=8,
        settled_at=NOW,
    )


@pytest.mark.parametrize(
    ("records", "rotations", "detail"),
    [((), (), {}), ((RECORD,), (settled("active", "staged"),), {"rotation_id": "r1"})],
    ids=["nobody waits", "a rotation waits"],
)
def test_a_promotion_changes_two_keys_and_settles_who_waits(
    records: tuple[RotationRecord, ...], rotations: tuple[RotationRecord, ...], detail: dict[str, str]
) -> None:
    change = rotation.promote(WHOLE, CAUSE, records)
    assert shown(change) == {"old": (S.DEACTIVATED, T0), "active": (S.DEACTIVATED, NOW), "staged": (S.ACTIVE, NOW)}
    assert change.rotations == rotations
    assert change.facts == (fact("key_promoted", "staged", **detail), fact("key_demoted", "active", **detail))
    check_follows(change)


def test_without_a_staged_key_nothing_is_promoted() -> None:
    with pytest.raises(TransitionError) as caught:
        rotation.promote(BARE, CAUSE)
    assert str(caught.value) == "ring jwt has no staged key to promote: stage one first"
    with pytest.raises(TransitionError):
        rotation.compromise(BARE, Kid("active"), CAUSE)


COMPROMISES = [
    pytest.param(
        "active",
        {"old": (S.DEACTIVATED, T0), "active": (S.COMPROMISED, NOW), "staged": (S.ACTIVE, NOW)},
        (settled("active", "staged"),),
        (fact("key_compromised", "active", was="ACTIVE"), fact("key_promoted", "staged")),
        id="the ACTIVE key",
    ),
    pytest.param(
        "staged",
        {"old": (S.DEACTIVATED, T0), "active": (S.ACTIVE, T0), "staged": (S.COMPROMISED, NOW)},
        (),
        (fact("key_compromised", "staged", was="PRE_ACTIVATION"),),
        id="the staged key",
    ),
    pytest.param(
        "old",
        {"old": (S.COMPROMISED, NOW), "active": (S.ACTIVE, T0), "staged": (S.PRE_ACTIVATION, T0)},
        (),
        (fact("key_compromised", "old", was="DEACTIVATED"),),
        id="an old key",
    ),
]


@pytest.mark.parametrize(("kid", "after", "rotations", "facts"), COMPROMISES)
def test_a_compromise_takes_out_one_key_and_promotes_only_in_the_place_of_the_active_one(
    kid: str,
    after: dict[str, tuple[KeyState, datetime]],
    rotations: tuple[RotationRecord, ...],
    facts: tuple[AuditFact, ...],
) -> None:
    change = rotation.compromise(WHOLE, Kid(kid), CAUSE, (RECORD,))
    assert (shown(change), change.rotations, change.facts) == (after, rotations, facts)
    check_follows(change)
    assert rotation.compromise(WHOLE, Kid(kid), CAUSE).rotations == ()


def test_a_stranger_cannot_be_compromised() -> None:
    with pytest.raises(UnknownKeyError):
        rotation.compromise(WHOLE, Kid("nobody"), CAUSE)


LATE = key("late", S.DEACTIVATED, T0 + TICK)
AES_RING = ring(key("a", S.DEACTIVATED, family=Family.AES), key("b", S.ACTIVE, family=Family.AES))


@pytest.mark.parametrize(
    ("before", "passed", "unused", "kids"),
    [
        pytest.param(ring(OLD, LATE, ACTIVE), W2 - TICK, set(), [], id="a tick before W2"),
        pytest.param(ring(OLD, LATE, ACTIVE), W2, set(), ["old"], id="W2 of the first"),
        pytest.param(ring(OLD, LATE, ACTIVE), W2 + TICK, set(), ["old", "late"], id="W2 of both"),
        pytest.param(ring(OLD, ACTIVE), W2 - TICK, {"old"}, [], id="a signing key that is claimed to be unused"),
        pytest.param(AES_RING, 100 * W2, set(), [], id="an AES key in use"),
        pytest.param(AES_RING, timedelta(0), {"a", "b"}, ["a"], id="an AES key that nothing uses"),
    ],
)
def test_which_keys_may_be_destroyed(before: KeyRing, passed: timedelta, unused: set[Kid], kids: list[str]) -> None:
    found = rotation.retirable(before, WINDOWS, now=T0 + passed, unused=frozenset(unused))
    assert [version.kid for version in found] == kids


def test_time_is_the_only_proof_that_is_needed_for_a_signing_key() -> None:
    assert rotation.retirable(WHOLE, WINDOWS, now=T0 + W2) == (OLD,)
    assert rotation.retirable(AES_RING, WINDOWS, now=T0 + W2) == ()


def test_retired_keys_are_destroyed_and_the_others_stay() -> None:
    change = rotation.retire(WHOLE, (OLD, STAGED), CAUSE)
    assert shown(change) == {"old": (S.DESTROYED, NOW), "active": (S.ACTIVE, T0), "staged": (S.DESTROYED, NOW)}
    assert (change.facts, change.rotations) == ((fact("key_destroyed", "old"), fact("key_destroyed", "staged")), ())
    check_follows(change)


def test_a_key_is_destroyed_as_of_the_change_and_the_audit_says_on_what_grounds() -> None:
    change = rotation.destroy(WHOLE, OLD, CAUSE, grounds="nothing needs it")
    assert shown(change) == {"old": (S.DESTROYED, NOW), "active": (S.ACTIVE, T0), "staged": (S.PRE_ACTIVATION, T0)}
    assert change.facts == (fact("key_destroyed", "old", was="DEACTIVATED", grounds="nothing needs it"),)
    check_follows(change)


def test_a_new_key_counts_as_published_from_then_on() -> None:
    assert rotation.published(STAGED, NOW) == replace(STAGED, published_at=NOW)


def test_orphans_get_a_destroyed_row_behind_the_keys_of_the_ring() -> None:
    change = rotation.condemn(WHOLE, (key("orphan"),), CAUSE)
    assert change.ring.versions[:3] == WHOLE.versions
    assert shown(change)["orphan"] == (S.DESTROYED, NOW)
    assert (change.facts, change.rotations) == ((fact("orphan_condemned", "orphan"),), ())
    check_follows(change)


def created(kid: str, day: int, state: KeyState = S.PRE_ACTIVATION) -> tuple[Kid, KeyVersion]:
    made_at = T0 + timedelta(days=day)
    version = KeyVersion(
        kid=Kid(kid),
        family=Family.JWT,
        algorithm=Algorithm.EDDSA,
        digest="d",
        public_jwk=None,
        state=S.PRE_ACTIVATION,
        created_at=made_at,
        published_at=made_at,
    )
    return version.kid, version if state is S.PRE_ACTIVATION else version.moved_to(state, made_at)


FOUND = dict([created("newest", 4), created("leaked", 5, S.COMPROMISED), created("oldest", 1), created("chosen", 3)])


def test_a_rebuilt_ring_signs_with_the_chosen_key_stages_the_newest_and_keeps_every_other() -> None:
    change = rotation.recover(FOUND, Kid("chosen"), None, CAUSE, generation=1_000)
    assert shown(change) == {
        "newest": (S.PRE_ACTIVATION, NOW),
        "leaked": (S.COMPROMISED, T0 + timedelta(days=5)),
        "oldest": (S.DEACTIVATED, NOW),
        "chosen": (S.ACTIVE, NOW),
    }
    assert change.ring.get(Kid("oldest")).activated_at == NOW
    assert (change.ring.family, change.ring.generation, change.ring.changed_at) == (Family.JWT, 1_000, NOW)
    assert (change.founding, change.rotations) == (True, ())
    assert change.facts == (
        fact("key_recovered", "newest", state="PRE_ACTIVATION"),
        fact("key_recovered", "leaked", state="COMPROMISED"),
        fact("key_recovered", "oldest", state="DEACTIVATED"),
        fact("key_recovered", "chosen", state="ACTIVE"),
    )


def test_a_rebuilt_ring_stages_nothing_where_the_newest_key_is_the_chosen_one() -> None:
    change = rotation.recover(FOUND, Kid("newest"), None, CAUSE, generation=1)
    assert change.ring.active.kid == "newest"
    assert change.ring.staged is None


def test_a_rebuilt_ring_stages_a_key_of_its_own_before_any_imported_one() -> None:
    kid, version = created("imported", 9)
    change = rotation.recover(
        {**FOUND, kid: replace(version, derived_kid=kid)}, Kid("oldest"), None, CAUSE, generation=1
    )
    assert change.ring.staged is not None
    assert change.ring.staged.kid == "newest"


def test_a_rebuilt_ring_stages_what_was_seen_to_be_staged() -> None:
    change = rotation.recover(FOUND, Kid("chosen"), Kid("oldest"), CAUSE, generation=1)
    states = {kid: state for kid, (state, _) in shown(change).items()}
    assert states == {
        "newest": S.DEACTIVATED,
        "leaked": S.COMPROMISED,
        "oldest": S.PRE_ACTIVATION,
        "chosen": S.ACTIVE,
    }


def restored_fact(generation: int) -> AuditFact:
    return replace(fact("ring_restored", "none", generation=str(generation)), kid=None)


SINCE_1970 = int(NOW.timestamp())


def test_a_ring_of_keys_from_elsewhere_begins_with_new_ones_and_reads_the_others() -> None:
    change = rotation.found_on(key("new"), key("next"), (key("theirs"), key("older")), CAUSE, generation=1_000)
    assert shown(change) == {
        "new": (S.ACTIVE, NOW),
        "next": (S.PRE_ACTIVATION, NOW),
        "theirs": (S.DEACTIVATED, NOW),
        "older": (S.DEACTIVATED, NOW),
    }
    assert {version.published_at for version in change.ring.versions} == {NOW}
    assert (change.ring.family, change.ring.generation, change.ring.changed_at) == (Family.JWT, 1_000, NOW)
    assert (change.founding, change.rotations) == (True, ())
    assert [(one.action, one.kid) for one in change.facts] == [
        ("key_published", "new"),
        ("key_promoted", "new"),
        ("key_published", "next"),
        ("key_imported", "theirs"),
        ("key_imported", "older"),
    ]


def test_keys_from_elsewhere_are_read_in_a_ring_that_is_there_and_nothing_else() -> None:
    change = rotation.admit(WHOLE, (key("theirs"),), CAUSE)
    assert change.ring.versions[:3] == WHOLE.versions
    assert shown(change)["theirs"] == (S.DEACTIVATED, NOW)
    assert change.ring.get(Kid("theirs")).activated_at == NOW
    assert change.ring.get(Kid("theirs")).deactivated_at == NOW
    assert change.ring.get(Kid("theirs")).published_at == NOW
    assert change.facts == (fact("key_imported", "theirs"),)
    check_follows(change)


def check_is_founded(change: RingChange) -> None:
    """Hold the ring to be founded anew, above any generation that an instance may hold."""
    assert (change.ring.family, change.ring.generation, change.ring.changed_at) == (Family.JWT, SINCE_1970, NOW)
    assert (change.founding, change.rotations) == (True, ())


def test_a_ring_out_of_a_backup_goes_on_as_it_was() -> None:
    change = rotation.restored(WHOLE, CAUSE)
    assert change.ring.versions == WHOLE.versions
    assert change.facts == (restored_fact(7),)
    check_is_founded(change)


def test_a_ring_that_was_younger_than_its_generation_goes_on_above_it() -> None:
    change = rotation.restored(replace(WHOLE, generation=SINCE_1970), CAUSE)
    assert change.ring.generation == SINCE_1970 + 1


def test_of_keys_that_a_tombstone_tells_of_none_is_used_again_and_the_staged_one_takes_the_place_of_the_active() -> (
    None
):
    change = rotation.restored(WHOLE, CAUSE, buried=(Kid("old"), Kid("active")))
    assert shown(change) == {"old": (S.COMPROMISED, NOW), "active": (S.COMPROMISED, NOW), "staged": (S.ACTIVE, NOW)}
    assert change.facts == (
        restored_fact(7),
        fact("key_compromised", "old"),
        fact("key_compromised", "active"),
        fact("key_promoted", "staged"),
    )
    check_is_founded(change)


def test_where_material_is_lost_new_keys_take_the_place_of_those_that_sign() -> None:
    change = rotation.restored(
        WHOLE, CAUSE, lost=(Kid("old"), Kid("active"), Kid("staged")), fresh=(key("new"), key("next"))
    )
    assert shown(change) == {
        "old": (S.DEACTIVATED, T0),
        "active": (S.DEACTIVATED, NOW),
        "staged": (S.DEACTIVATED, NOW),
        "new": (S.ACTIVE, NOW),
        "next": (S.PRE_ACTIVATION, T0),
    }
    assert [version.kid for version in change.ring.versions] == ["old", "active", "staged", "new", "next"]
    assert change.ring.get(Kid("staged")).activated_at == NOW
    assert change.facts == (
        restored_fact(7),
        fact("key_demoted", "active"),
        fact("key_demoted", "staged"),
        fact("key_promoted", "new"),
        fact("key_published", "next"),
    )
    check_is_founded(change)


def test_a_lost_secret_that_only_verified_is_destroyed_and_a_lost_key_that_verified_stays_to_be_found() -> None:
    shared = replace(key("shared", S.DEACTIVATED), algorithm=Algorithm.HS256)
    change = rotation.restored(ring(shared, *WHOLE.versions), CAUSE, lost=(Kid("shared"), Kid("old")))
    assert shown(change)["shared"] == (S.DESTROYED, NOW)
    assert shown(change)["old"] == (S.DEACTIVATED, T0)
    assert change.facts == (restored_fact(7), fact("key_destroyed", "shared"))


def test_a_compromised_key_of_a_backup_stays_compromised_since_it_was() -> None:
    leaked = key("leaked", S.COMPROMISED)
    change = rotation.restored(ring(leaked, *WHOLE.versions), CAUSE, buried=(Kid("leaked"),), lost=(Kid("leaked"),))
    assert shown(change)["leaked"] == (S.COMPROMISED, T0)
    assert change.facts == (restored_fact(7),)


def test_without_a_key_that_could_sign_no_ring_is_restored() -> None:
    with pytest.raises(RingInvariantError):
        rotation.restored(BARE, CAUSE, buried=(Kid("active"),))
