"""Names, states and what always holds in a ring."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from journal_keys.domain.errors import InvalidNameError, RingInvariantError, TransitionError, UnknownKeyError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import (
    Algorithm,
    Family,
    KeyState,
    KeyVersion,
    Kid,
    parse_algorithm,
    parse_family,
    parse_kid,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
S = KeyState
ALLOWED = {
    (S.PRE_ACTIVATION, S.ACTIVE),
    (S.PRE_ACTIVATION, S.COMPROMISED),
    (S.PRE_ACTIVATION, S.DESTROYED),
    (S.ACTIVE, S.DEACTIVATED),
    (S.ACTIVE, S.COMPROMISED),
    (S.DEACTIVATED, S.COMPROMISED),
    (S.DEACTIVATED, S.DESTROYED),
    (S.COMPROMISED, S.DESTROYED),
}


def version(state: KeyState, kid: str = "aes_x", family: Family = Family.AES) -> KeyVersion:
    return KeyVersion(
        kid=Kid(kid),
        family=family,
        algorithm=Algorithm.A256GCM,
        digest="d",
        public_jwk=None,
        state=state,
        created_at=T0,
        published_at=T0,
    )


def ring(*states: KeyState, generation: int = 1) -> KeyRing:
    versions = tuple(version(state, f"aes_{number}") for number, state in enumerate(states))
    return KeyRing(family=Family.AES, generation=generation, changed_at=T0, versions=versions)


@pytest.mark.parametrize(("start", "end"), list(product(KeyState, KeyState)))
def test_the_state_table_allows_eight_transitions_and_no_other(start: KeyState, end: KeyState) -> None:
    later = T0 + timedelta(days=1)
    if (start, end) in ALLOWED:
        moved = version(start).moved_to(end, later)
        assert (moved.state, moved.since) == (end, later)
    else:
        ways_out = ", ".join(sorted(to for origin, to in ALLOWED if origin is start)) or "none"
        with pytest.raises(TransitionError) as caught:
            version(start).moved_to(end, later)
        assert str(caught.value) == f"aes_x is {start} and cannot become {end}: allowed from here: {ways_out}"


@pytest.mark.parametrize("state", list(KeyState))
def test_a_key_is_accepted_until_it_is_compromised_or_destroyed(state: KeyState) -> None:
    assert version(state).is_accepted is (state not in {S.COMPROMISED, S.DESTROYED})


@pytest.mark.parametrize("text", ["a", "_", "jwt_-_x", "A" * 64])
def test_a_good_kid_is_taken(text: str) -> None:
    assert parse_kid(text) == text


@pytest.mark.parametrize("text", ["", "1a", "-a", "a b", "a\n", "a.b", "\u00e9", "A" * 65, "a/b"])
def test_a_bad_kid_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        parse_kid(text)
    assert str(caught.value) == "a kid is [A-Za-z_][A-Za-z0-9_-]{0,63}"


def test_what_is_no_text_is_no_kid() -> None:
    with pytest.raises(InvalidNameError):
        parse_kid(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parse", "said"),
    [
        pytest.param(lambda: parse_family("rsa"), "unknown family: expected one of jwt, aes", id="family"),
        pytest.param(
            lambda: parse_algorithm("none", Family.JWT),
            "unknown algorithm: expected one of EdDSA, ES256, RS256, A256GCM, HS256, Fernet",
            id="algorithm",
        ),
        pytest.param(
            lambda: parse_algorithm("EdDSA", Family.AES),
            "EdDSA is no algorithm of aes: expected one of A256GCM, Fernet",
            id="algorithm of aes",
        ),
        pytest.param(
            lambda: parse_algorithm("A256GCM", Family.JWT),
            "A256GCM is no algorithm of jwt: expected one of ES256, EdDSA, HS256, RS256",
            id="algorithm of jwt",
        ),
    ],
)
def test_unknown_names_say_what_was_expected(parse: Callable[[], object], said: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        parse()
    assert str(caught.value) == said


def test_known_names_are_read() -> None:
    assert [parse_family(name) for name in ("jwt", "aes")] == [Family.JWT, Family.AES]
    assert parse_algorithm("ES256", Family.JWT) is Algorithm.ES256
    assert parse_algorithm("A256GCM", Family.AES) is Algorithm.A256GCM


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((), "ring aes has 0 ACTIVE keys, not one"),
        ((S.PRE_ACTIVATION,), "ring aes has 0 ACTIVE keys, not one"),
        ((S.ACTIVE, S.ACTIVE), "ring aes has 2 ACTIVE keys, not one"),
        ((S.ACTIVE, S.PRE_ACTIVATION, S.PRE_ACTIVATION), "ring aes has 2 staged keys, not one at most"),
    ],
)
def test_a_ring_has_one_active_key_and_one_staged_at_most(states: tuple[KeyState, ...], said: str) -> None:
    with pytest.raises(RingInvariantError) as caught:
        ring(*states)
    assert str(caught.value) == said


ACTIVE = version(S.ACTIVE)


@pytest.mark.parametrize(
    ("versions", "generation", "said"),
    [
        ((ACTIVE, version(S.DEACTIVATED)), 1, "ring aes holds a kid twice"),
        ((ACTIVE, version(S.DEACTIVATED, "jwt_x", Family.JWT)), 1, "ring aes holds a key of another family"),
        ((ACTIVE,), 0, "generation of ring aes is 0, not ≥ 1"),
        ((ACTIVE,), -1, "generation of ring aes is -1, not ≥ 1"),
    ],
    ids=["twice", "stranger", "generation 0", "generation -1"],
)
def test_a_ring_repeats_no_kid_holds_no_stranger_and_has_a_generation(
    versions: tuple[KeyVersion, ...], generation: int, said: str
) -> None:
    with pytest.raises(RingInvariantError) as caught:
        KeyRing(family=Family.AES, generation=generation, changed_at=T0, versions=versions)
    assert str(caught.value) == said


def test_a_ring_finds_its_keys_and_names_those_it_lacks() -> None:
    made = ring(S.DEACTIVATED, S.ACTIVE, S.PRE_ACTIVATION, S.COMPROMISED, S.DESTROYED)
    assert [key.kid for key in made.accepted] == ["aes_0", "aes_1", "aes_2"]
    assert made.active.kid == "aes_1"
    assert made.staged is not None
    assert made.staged.kid == "aes_2"
    assert made.get(Kid("aes_3")).state is S.COMPROMISED
    assert made.find(Kid("aes_9")) is None
    assert [key.kid for key in made.in_states(S.DESTROYED, S.ACTIVE)] == ["aes_1", "aes_4"]
    with pytest.raises(UnknownKeyError) as caught:
        made.get(Kid("aes_9"))
    assert str(caught.value) == "ring aes has no key aes_9; 'keys list' shows those it has"
