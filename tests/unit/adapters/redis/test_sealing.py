"""The form of a sealed secret: what opens, and what is told of what does not."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_keys.adapters.redis.counts import Count
from journal_keys.adapters.redis.keys import DerivedKeys, KeySource, Sealer
from journal_keys.adapters.redis.namespace import Namespace, joined
from journal_keys.adapters.redis.sealing import MOST_TEXT, MOST_VALUE_BYTES, Opened, Span, form_of, seal, unseal
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.key_crypto import CipherKey
from tests.support.shared import OTHER, PATH, PLACE, one_key

KEYS = DerivedKeys(one_key(), PLACE, b"a purpose")
SPAN = Span(made_ms=1_700_000_000_000, ends_ms=1_700_000_060_000)
NONCE = bytes(12)
FORM = form_of(PLACE, PATH)


def sealer(keys: DerivedKeys = KEYS) -> Sealer:
    found = keys.sealer()
    assert found is not None
    return found


def sealed(value: bytes = b"value", path: SecretPath = PATH) -> str:
    return seal(form_of(PLACE, path), sealer(), NONCE, Opened(value=KeyMaterial(value), span=SPAN))


@given(st.binary(max_size=300), st.binary(min_size=12, max_size=12))
def test_what_was_sealed_opens(value: bytes, nonce: bytes) -> None:
    text = seal(FORM, sealer(), nonce, Opened(value=KeyMaterial(value), span=SPAN))
    opened = unseal(FORM, KEYS, text)
    assert isinstance(opened, Opened)
    assert (expose(opened.value), opened.span) == (value, SPAN)
    assert isinstance(unseal(FORM, KEYS, text.encode()), Opened)


def test_the_largest_value_is_not_too_long() -> None:
    text = sealed(b"x" * MOST_VALUE_BYTES)
    assert len(text) <= MOST_TEXT
    assert isinstance(unseal(FORM, KEYS, text), Opened)


def test_every_changed_byte_is_noticed() -> None:
    raw = urlsafe_b64decode(sealed())
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        answer = unseal(FORM, KEYS, urlsafe_b64encode(bytes(changed)))
        assert answer in {Count.MALFORMED, Count.UNKNOWN_KEY, Count.FORGED}, position


def test_every_cut_is_noticed() -> None:
    raw = urlsafe_b64decode(sealed())
    for size in range(len(raw)):
        assert isinstance(unseal(FORM, KEYS, urlsafe_b64encode(raw[:size])), Count), size


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything_else_is_told_to_be_no_value(text: bytes | str) -> None:
    assert isinstance(unseal(FORM, KEYS, text), Count)


@given(st.binary(max_size=200))
def test_anything_behind_a_right_beginning_is_told_to_be_no_value(rest: bytes) -> None:
    kid = sealer().kid.encode()
    text = urlsafe_b64encode(b"JKC1" + bytes([len(kid)]) + kid + rest)
    assert isinstance(unseal(FORM, KEYS, text), Count)


PLACES = {
    "another environment": Namespace.of("other", "vault", "/one"),
    "another store": Namespace.of("test", "vault", "/two"),
    "parts shifted": Namespace.of("test", "vault/one"),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_value_opens_in_its_environment_only(place: Namespace) -> None:
    assert unseal(form_of(place, PATH), KEYS, sealed()) is Count.FORGED
    assert unseal(FORM, DerivedKeys(one_key(), place, b"a purpose"), sealed()) is Count.FORGED


def test_a_value_opens_under_its_path_only() -> None:
    assert unseal(form_of(PLACE, OTHER), KEYS, sealed()) is Count.FORGED


def test_a_value_under_a_key_that_is_not_known_says_so() -> None:
    assert unseal(FORM, DerivedKeys(one_key(8), PLACE, b"a purpose"), sealed()) is Count.UNKNOWN_KEY


def test_what_was_sealed_for_another_purpose_does_not_open() -> None:
    assert unseal(FORM, DerivedKeys(one_key(), PLACE, b"another purpose"), sealed()) is Count.FORGED


class ManyKeys(KeySource):
    """The newest key changes each time."""

    def __init__(self) -> None:
        self.keys = [one_key(seed).key for seed in range(100, 170)]
        self._rest = iter(self.keys)

    def newest(self) -> CipherKey | None:
        return next(self._rest)

    def named(self, kid: Kid) -> CipherKey | None:
        return next((key for key in self.keys if key.kid == kid), None)


def test_more_keys_than_are_held_are_derived_again() -> None:
    many = ManyKeys()
    keys = DerivedKeys(many, PLACE, b"a purpose")
    texts = [seal(FORM, sealer(keys), NONCE, Opened(value=KeyMaterial(b"value"), span=SPAN)) for _ in many.keys]
    assert len(set(texts)) == len(many.keys)
    assert all(isinstance(unseal(FORM, keys, text), Opened) for text in texts)


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_different_parts_join_to_different_bytes(one: list[bytes], other: list[bytes]) -> None:
    assert (joined(*one) == joined(*other)) is (one == other)
