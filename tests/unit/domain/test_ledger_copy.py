"""A copy of a ledger is read as it was written, and nothing else is read as one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal_keys.domain import canonical
from journal_keys.domain.audit_chain import EMPTY, AuditEntry, head_of, link
from journal_keys.domain.changes import AuditFact, RotationRecord, RotationRequest, RotationStatus
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import ALGORITHMS, READ_ONLY, Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.ledger_clock import UNSURE_BOOT, ClockReading, ClockWentBackError, LedgerTime
from journal_keys.domain.ledger_copy import (
    LedgerCopy,
    LedgerCopyError,
    Refounding,
    RingsPutBack,
    from_document,
    go_on,
    rotations_beside,
    to_document,
)
from journal_keys.domain.webhook_secrets import WebhookSecret
from tests.support.ledger_contract import SKEW, START, every_state, fact, record

HOUR: Final = timedelta(hours=1)
CANARY: Final = "Geheimnis-4711"
Document: TypeAlias = dict[Any, Any]
Change: TypeAlias = Callable[[Document], object]

MOMENTS: Final = st.datetimes(timezones=st.just(UTC))
NUMBERS: Final = st.integers(0, 2**63 - 1)
TEXTS: Final = st.text(max_size=12)
KIDS: Final = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", fullmatch=True).map(Kid)
DIGESTS: Final = st.binary(min_size=32, max_size=32).map(bytes.hex)
FAMILIES: Final = st.sampled_from(Family)
JWKS: Final = {
    Algorithm.EDDSA: {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},
    Algorithm.ES256: {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 42 + "E"},
    Algorithm.RS256: {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
}
OF_FAMILY: Final = {family: sorted(ALGORITHMS[family] | READ_ONLY[family]) for family in Family}


AT_LEISURE: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""How long a copy takes to be drawn tells of the machine, not of the code."""


def versions_of(family: Family, kid: str, state: KeyState) -> st.SearchStrategy[KeyVersion]:
    def of(algorithm: Algorithm) -> st.SearchStrategy[KeyVersion]:
        jwk = PublicJwk.from_members(JWKS[algorithm]) if algorithm in JWKS else None
        later = {name: st.none() | MOMENTS for name in ("activated_at", "deactivated_at", "compromised_at")}
        return st.builds(
            KeyVersion,
            kid=st.just(Kid(kid)),
            family=st.just(family),
            algorithm=st.just(algorithm),
            digest=DIGESTS,
            public_jwk=st.just(jwk),
            state=st.just(state),
            created_at=MOMENTS,
            published_at=MOMENTS,
            destroyed_at=st.none() | MOMENTS,
            derived_kid=st.none() | KIDS,
            **later,
        )

    allowed = sorted(ALGORITHMS[family]) if state is KeyState.ACTIVE else OF_FAMILY[family]
    return st.sampled_from(allowed).flatmap(of)


@st.composite
def rings(draw: st.DrawFn, family: Family) -> KeyRing:
    kids = draw(st.lists(KIDS, min_size=1, max_size=4, unique=True))
    gone = st.sampled_from((KeyState.DEACTIVATED, KeyState.COMPROMISED, KeyState.DESTROYED))
    states = [KeyState.ACTIVE, *(draw(gone) for _ in kids[1:])]
    versions = [draw(versions_of(family, kid, state)) for kid, state in zip(kids, states, strict=True)]
    return KeyRing(
        family=family,
        generation=draw(st.integers(1, 2**63 - 1)),
        changed_at=draw(MOMENTS),
        versions=tuple(draw(st.permutations(versions))),
    )


@st.composite
def rotations(draw: st.DrawFn, family: Family) -> RotationRecord:
    request = st.builds(
        RotationRequest,
        rotation_id=st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True),
        scope=st.sampled_from(("jwt", "aes", "both")),
        force=st.booleans(),
        reason=st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=20),
        actor=TEXTS,
    )
    return RotationRecord(
        request=draw(request),
        family=family,
        status=draw(st.sampled_from(RotationStatus)),
        opened_at=draw(MOMENTS),
        old_kid=draw(st.none() | KIDS),
        new_kid=draw(st.none() | KIDS),
        generation=draw(st.none() | NUMBERS),
        settled_at=draw(st.none() | MOMENTS),
    )


def chained(facts: list[AuditFact]) -> tuple[AuditEntry, ...]:
    entries: list[AuditEntry] = []
    for one in facts:
        entries.append(link(head_of(entries[-1]) if entries else EMPTY, one))
    return tuple(entries)


FACTS: Final = st.builds(
    AuditFact,
    at=MOMENTS,
    actor=TEXTS,
    action=TEXTS,
    family=st.none() | FAMILIES,
    kid=st.none() | KIDS,
    reason=TEXTS,
    detail=st.dictionaries(TEXTS, TEXTS, max_size=3),
)
TIMES: Final = st.builds(
    LedgerTime,
    at=MOMENTS,
    reading=st.builds(ClockReading, wall=MOMENTS, uptime=st.timedeltas(timedelta(0), 9999 * 365 * HOUR), boot=TEXTS),
)


@st.composite
def ledger_copies(draw: st.DrawFn) -> LedgerCopy:
    families = draw(st.lists(FAMILIES, unique=True))
    records = [draw(st.lists(rotations(family), max_size=2)) for family in families]
    named = {(one.request.rotation_id, one.family): one for some in records for one in some}
    secrets = st.builds(WebhookSecret, name=KIDS, made_at=MOMENTS, used_at=st.none() | MOMENTS)
    return LedgerCopy(
        time=draw(st.none() | TIMES),
        rings={family: draw(rings(family)) for family in families},
        rotations=tuple(named.values()),
        usage=draw(st.dictionaries(KIDS, NUMBERS, max_size=3)),
        webhook_secrets=tuple(draw(st.lists(secrets, max_size=3, unique_by=lambda one: one.name))),
        entries=chained(draw(st.lists(FACTS, max_size=4))),
    )


def whole() -> LedgerCopy:
    """A copy with something everywhere, and an own text wherever there may be one."""
    settled = record("nightly-7").settled(old=Kid("jwt_0001"), new=Kid("jwt_0002"), ring=every_state(Family.JWT))
    return LedgerCopy(
        time=LedgerTime(at=START, reading=ClockReading(wall=START, uptime=HOUR, boot=CANARY)),
        rings={family: every_state(family) for family in Family},
        rotations=(settled, record(CANARY), record("nightly-7", Family.AES)),
        usage={Kid("aes_0001"): 2**40, Kid(CANARY): 0},
        webhook_secrets=(
            WebhookSecret(name="whs_a", made_at=START, used_at=START + HOUR),
            WebhookSecret(name=CANARY, made_at=START),
        ),
        entries=chained([fact("a", note=CANARY), replace(fact(CANARY), family=Family.AES, kid=Kid(CANARY))]),
    )


def through_json(document: object) -> Any:  # noqa: ANN401 (any JSON)
    return canonical.from_json(canonical.to_json(document))


@AT_LEISURE
@given(ledger_copies())
def test_a_copy_is_read_as_it_was_written(copy: LedgerCopy) -> None:
    assert from_document(to_document(copy)) == copy
    assert from_document(through_json(to_document(copy))) == copy


@pytest.mark.usefixtures("tokyo")
def test_moments_are_written_in_utc_wherever_the_host_is() -> None:
    assert to_document(whole())["time"]["at"] == "2026-11-24T12:00:00.123456+00:00"
    assert from_document(to_document(whole())) == whole()


def at(document: Document, way: tuple[Any, ...]) -> Any:  # noqa: ANN401 (any JSON)
    """What stands at this place."""
    inner: Any = document
    for step in way:
        inner = inner[step]
    return inner


def put(*place: str | int, value: object) -> Change:
    """Set the member at this place."""

    def changed(document: Document) -> None:
        at(document, place[:-1])[place[-1]] = value

    return changed


def without(*place: str | int) -> Change:
    """Leave out the member at this place."""

    def changed(document: Document) -> None:
        del at(document, place[:-1])[place[-1]]

    return changed


def twice(name: str) -> Change:
    """Repeat the first of these."""
    return lambda document: document[name].append(document[name][0])


def with_a_member_without_a_name(document: Document) -> None:
    document[1] = 1


VERSION: Final = ("rings", "jwt", "versions", 0)
AES_VERSION: Final = ("rings", "aes", "versions", 0)
ROTATION: Final = ("rotations", 0)
ENTRY: Final = ("entries", 0)
OKP: Final[Document] = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}

MALFORMED: Final[dict[str, Change]] = {
    "another version": put("v", value=2),
    "a version that only equals 1": put("v", value=True),
    "no version": without("v"),
    "an unknown member": put(CANARY, value=1),
    "a member without a name": with_a_member_without_a_name,
    "no audit trail": without("entries"),
    "a time that is a moment": put("time", value="2026-11-24T12:00:00.123456+00:00"),
    "a moment of another zone": put("time", "at", value="2026-11-24T13:00:00.123456+01:00"),
    "a moment without microseconds": put("time", "at", value="2026-11-24T12:00:00+00:00"),
    "a moment without a zone": put("time", "at", value="2026-11-24T12:00:00.123456"),
    "a moment at the end of time": put("time", "at", value="0001-01-01T00:00:00.000000+23:59"),
    "a moment with a Z": put("time", "at", value="2026-11-24T12:00:00.123456Z"),
    "a moment that is a number": put("time", "at", value=7),
    "an uptime before the boot": put("time", "reading", "uptime", value=-1),
    "an uptime in fractions": put("time", "reading", "uptime", value=1.0),
    "a boot that is no Unicode text": put("time", "reading", "boot", value="\ud800"),
    "rings in a list": put("rings", value=[]),
    "a ring of an unknown family": put("rings", CANARY, value={}),
    "a generation of 0": put("rings", "jwt", "generation", value=0),
    "a generation that is true": put("rings", "jwt", "generation", value=True),
    "a generation that no database holds": put("rings", "jwt", "generation", value=2**63),
    "a generation of thousands of digits": put("rings", "jwt", "generation", value=10**5000),
    "no ACTIVE key": put("rings", "jwt", "versions", value=[]),
    "a kid twice": put(*VERSION, "kid", value="jwt_0002"),
    "a malformed kid": put(*VERSION, "kid", value="jwt 1"),
    "a kid with a line break": put(*VERSION, "kid", value="jwt_1\n"),
    "an algorithm of the other family": put(*VERSION, "alg", value="A256GCM"),
    "an unknown algorithm": put(*VERSION, "alg", value=CANARY),
    "a digest in upper case": put(*VERSION, "digest", value="A" * 64),
    "a short digest": put(*VERSION, "digest", value="ab"),
    "a digest with a space": put(*VERSION, "digest", value="ab " + "0" * 61),
    "no public key": put(*VERSION, "jwk", value=None),
    "a public key of AES": put(*AES_VERSION, "jwk", value=OKP),
    "a private key": put(*VERSION, "jwk", value={**OKP, "d": CANARY}),
    "a public key with a member without a name": put(*VERSION, "jwk", value={**OKP, 1: CANARY}),
    "a public key that is a list": put(*VERSION, "jwk", value=["kty"]),
    "an unknown state": put(*VERSION, "state", value="SUSPENDED"),
    "an unknown member of a version": put(*VERSION, CANARY, value=None),
    "two ACTIVE keys": put("rings", "jwt", "versions", 1, "state", value="ACTIVE"),
    "rotations in an object": put("rotations", value={}),
    "a rotation twice": twice("rotations"),
    "a rotation of no ring": without("rings", "aes"),
    "a malformed rotation id": put(*ROTATION, "request", "rotation_id", value=f"{CANARY}/1"),
    "a malformed reason": put(*ROTATION, "request", "reason", value=f"{CANARY}\n"),
    "an unknown scope": put(*ROTATION, "request", "scope", value=CANARY),
    "a force that is 1": put(*ROTATION, "request", "force", value=1),
    "an unknown status": put(*ROTATION, "status", value="done"),
    "a count below 0": put("usage", "aes_0001", value=-1),
    "a count of no kid": put("usage", f"{CANARY} 1", value=1),
    "a secret twice": twice("webhook_secrets"),
    "a secret with a folder": put("webhook_secrets", 0, "name", value=f"a/{CANARY}"),
    "a secret that was never made": put("webhook_secrets", 0, "made_at", value=None),
    "a detail that is a number": put(*ENTRY, "fact", "detail", "note", value=1),
    "a detail that is a list": put(*ENTRY, "fact", "detail", value=[]),
    "a changed fact": put(*ENTRY, "fact", "actor", value=CANARY),
    "a changed hash": put(*ENTRY, "hash", value="0" * 64),
    "a changed hash of the predecessor": put(*ENTRY, "previous_hash", value="1" * 64),
    "a changed sequence number": put(*ENTRY, "sequence", value=2),
    "a gap in the chain": without("entries", 0),
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_copy_is_refused_without_being_quoted(change: Change) -> None:
    document = to_document(whole())
    change(document)
    with pytest.raises(LedgerCopyError) as refusal:
        from_document(document)
    assert CANARY not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put(*VERSION, "digest", value="ab"), "rings: jwt: versions: 0: digest: expected 64 lower-case hex digits"),
        (put("usage", "aes_0001", value="7"), "usage: a value: expected a whole number"),
        (put(*ENTRY, "fact", "actor", value="x"), "audit entry 1 was changed after it was written"),
        (put("rings", "aes", "versions", value=[]), "rings: aes: ring aes has 0 ACTIVE keys, not one"),
    ],
    ids=["a digest", "a count", "the chain", "a ring"],
)
def test_a_refusal_names_the_member_and_what_was_expected(change: Change, said: str) -> None:
    document = to_document(whole())
    change(document)
    with pytest.raises(LedgerCopyError) as refusal:
        from_document(document)
    assert said in str(refusal.value)


def refused_or_written_again(document: object) -> bool:
    """Whatever is read is written as the same JSON again, and what is not is refused in one way, which gives True."""
    try:
        copy = from_document(document)
    except LedgerCopyError:
        return True
    assert canonical.to_json(to_document(copy)) == canonical.to_json(document)
    return False


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@AT_LEISURE
@given(JSON)
def test_random_json_is_refused(document: object) -> None:
    with pytest.raises(LedgerCopyError):
        from_document(document)


@AT_LEISURE
@given(st.deferred(lambda: st.fixed_dictionaries(dict.fromkeys(to_document(whole()), JSON))))
def test_random_members_are_refused(document: Document) -> None:
    with pytest.raises(LedgerCopyError):
        from_document({**document, "v": 1})


def places(value: object, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document but the whole."""
    steps: Any = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield (*way, step)
        yield from places(value[step], (*way, step))  # type: ignore[index]


def test_no_member_can_be_left_out() -> None:
    stays = {("usage",), ("entries", 0, "fact", "detail")}
    for way in places(to_document(whole())):
        document = to_document(whole())
        holder = at(document, way[:-1])
        without(*way)(document)
        assert refused_or_written_again(document) or not isinstance(holder, dict) or way[:-1] in stays, way


@AT_LEISURE
@given(st.data())
def test_a_member_of_another_value_is_refused_or_kept(data: st.DataObject) -> None:
    document = to_document(whole())
    a_place = st.sampled_from(list(places(document)))
    value = data.draw(JSON | a_place.map(lambda way: at(to_document(whole()), way)))
    put(*data.draw(a_place), value=value)(document)
    refused_or_written_again(document)


def test_a_broken_chain_is_refused() -> None:
    entries = list(whole().entries)
    entries[0] = replace(entries[0], fact=replace(entries[0].fact, reason="another"))
    with pytest.raises(LedgerCopyError, match="audit entry 1 was changed after it was written"):
        from_document(to_document(replace(whole(), entries=tuple(entries))))


def test_a_ring_stands_under_its_own_family_only() -> None:
    misplaced = {Family.AES: every_state(Family.JWT)}
    with pytest.raises(ValueError, match="under another family"):
        Refounding(rings=misplaced, facts=())
    with pytest.raises(ValueError, match="under another family"):
        RingsPutBack(rings=misplaced, facts=())


def test_a_refounding_that_lacks_a_ring_of_the_copy_is_refused() -> None:
    with pytest.raises(ValueError, match="would lose the rings aes"):
        Refounding(rings={Family.JWT: every_state(Family.JWT)}, facts=()).check_whole(whole())
    Refounding(rings=whole().rings, facts=()).check_whole(whole())


def test_only_the_expected_rings_are_put_back() -> None:
    one = RingsPutBack(rings={Family.JWT: None}, facts=())
    one.check_named({Family.JWT: None})
    for families in ([], [Family.AES], list(Family)):
        with pytest.raises(ValueError, match="not those that were expected"):
            one.check_named(families)


def test_counts_that_were_made_since_are_added() -> None:
    counted = {Kid("aes_0001"): 3, Kid("aes_0009"): 4}
    assert whole().usage_beside(counted) == {"aes_0001": 2**40 + 3, CANARY: 0, "aes_0009": 4}


def test_rotations_stay_beside_a_ring_unless_they_name_a_key_that_it_lacks_or_promoted_one_it_never_used() -> None:
    ring = every_state(Family.JWT)
    settled = record("settled").settled(old=Kid("jwt_0001"), new=Kid("jwt_0002"), ring=ring)
    old_lost, new_lost = replace(settled, old_kid=Kid("jwt_0009")), replace(settled, new_kid=Kid("jwt_0009"))
    to_staged = replace(settled, old_kid=Kid("jwt_0004"), new_kid=Kid("jwt_0005"))
    waiting, other = record("waiting"), record("other", Family.AES)
    assert rotations_beside(ring, [settled, old_lost, new_lost, to_staged, waiting, other]) == [settled, waiting]


def seen(*, wall: timedelta = timedelta(0), uptime: timedelta = HOUR, boot: str = "a") -> ClockReading:
    return ClockReading(wall=START + wall, uptime=uptime, boot=boot)


KEPT: Final = LedgerTime(at=START - 3 * HOUR, reading=seen())
UNSURE: Final = f"{UNSURE_BOOT}laptop"


@pytest.mark.parametrize(
    ("copied", "now", "at"),
    [
        pytest.param(KEPT, seen(wall=HOUR, uptime=2 * HOUR), KEPT.at + HOUR, id="an hour later in one boot"),
        pytest.param(KEPT, seen(wall=9 * HOUR, uptime=9 * HOUR, boot="b"), KEPT.at, id="hours later on another host"),
        pytest.param(None, seen(), START, id="no time in the copy"),
        pytest.param(
            LedgerTime(at=KEPT.at, reading=seen(boot=UNSURE)),
            seen(wall=HOUR, uptime=900 * HOUR, boot=UNSURE),
            KEPT.at,
            id="hosts that share a name instead of a boot",
        ),
    ],
)
def test_time_goes_on_from_the_copys(copied: LedgerTime | None, now: ClockReading, at: datetime) -> None:
    assert go_on(copied, now, skew=SKEW) == LedgerTime(at=at, reading=now)


def test_a_clock_before_the_copys_is_refused() -> None:
    with pytest.raises(ClockWentBackError, match=r"restore' again with --accept-clock"):
        go_on(KEPT, seen(wall=-2 * SKEW, boot="b"), skew=SKEW)


def test_a_clock_before_the_copys_may_be_accepted_and_shortens_no_wait() -> None:
    now = seen(wall=-2 * SKEW, boot="b")
    assert go_on(KEPT, now, skew=SKEW, accepts_clock=True) == LedgerTime(at=KEPT.at, reading=now)


def test_keys_of_every_algorithm_are_drawn() -> None:
    assert {algorithm for some in OF_FAMILY.values() for algorithm in some} == set(Algorithm)
