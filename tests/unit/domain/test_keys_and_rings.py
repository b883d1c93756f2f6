"""Names, states and what always holds in a ring."""

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
        with pytest.raises(TransitionError, match=f"{start} and cannot become {end}"):
            version(start).moved_to(end, later)


@pytest.mark.parametrize("state", list(KeyState))
def test_a_key_is_accepted_until_it_is_compromised_or_destroyed(state: KeyState) -> None:
    assert version(state).is_accepted is (state not in {S.COMPROMISED, S.DESTROYED})


@pytest.mark.parametrize("text", ["a", "_", "jwt_-_x", "A" * 64])
def test_a_good_kid_is_taken(text: str) -> None:
    assert parse_kid(text) == text


@pytest.mark.parametrize("text", ["", "1a", "-a", "a b", "a\n", "a.b", "\u00e9", "A" * 65, "a/b"])
def test_a_bad_kid_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidNameError, match="a kid is"):
        parse_kid(text)


def test_unknown_names_say_what_was_expected() -> None:
    with pytest.raises(InvalidNameError, match="unknown family: expected one of jwt, aes"):
        parse_family("rsa")
    with pytest.raises(InvalidNameError, match="EdDSA"):
        parse_algorithm("none", Family.JWT)
    with pytest.raises(InvalidNameError, match="no algorithm of aes"):
        parse_algorithm("EdDSA", Family.AES)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((), "0 ACTIVE"),
        ((S.PRE_ACTIVATION,), "0 ACTIVE"),
        ((S.ACTIVE, S.ACTIVE), "2 ACTIVE"),
        ((S.ACTIVE, S.PRE_ACTIVATION, S.PRE_ACTIVATION), "2 staged"),
    ],
)
def test_a_ring_has_one_active_key_and_one_staged_at_most(states: tuple[KeyState, ...], said: str) -> None:
    with pytest.raises(RingInvariantError, match=said):
        ring(*states)


def test_a_ring_repeats_no_kid_holds_no_stranger_and_has_a_generation() -> None:
    active = version(S.ACTIVE)
    for versions, generation in (
        ((active, version(S.DEACTIVATED)), 1),
        ((active, version(S.DEACTIVATED, "jwt_x", Family.JWT)), 1),
        ((active,), 0),
    ):
        with pytest.raises(RingInvariantError):
            KeyRing(family=Family.AES, generation=generation, changed_at=T0, versions=versions)


def test_a_ring_finds_its_keys_and_names_those_it_lacks() -> None:
    made = ring(S.DEACTIVATED, S.ACTIVE, S.PRE_ACTIVATION, S.COMPROMISED, S.DESTROYED)
    assert [key.kid for key in made.accepted] == ["aes_0", "aes_1", "aes_2"]
    assert made.active.kid == "aes_1"
    assert made.staged is not None
    assert made.staged.kid == "aes_2"
    with pytest.raises(UnknownKeyError, match="aes_9"):
        made.get(Kid("aes_9"))
