"""Ciphertexts: opened by kid and context only; everything else is refused with one documented error."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys.adapters.crypto.token_cipher import UnknownCiphertextKidError, WithdrawnKeyError
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain.encryption_budget import REFUSE_AT
from journal_keys.domain.envelope import EnvelopeError
from journal_keys.domain.errors import (
    EncryptionLimitError,
    KeyUnavailableError,
    UnencodableTextError,
    ViewStaleError,
)
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import KeyState, Kid
from tests.support.views import MAX_STALE, OLDEST_VIEW, VIEW_TTL, Bench

START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def bench() -> Bench:
    return Bench(aes_keys=3, clock=ManualClock(START))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def legacy(bench: Bench, text: str, aad: bytes | None = None, kid: str | None = None) -> str:
    """Envelope v1, as the application made it before this package."""
    name = Kid(kid or bench.aes_ring.active.kid)
    sealed = AESGCM(expose(bench.aes_records[name].key)).encrypt(b"n" * 12, text.encode(), aad)
    members: dict[str, object] = {"v": 1, "kid": name, "iv": b64(b"n" * 12), "ct": b64(sealed)}
    if aad is not None:
        members["aad"] = b64(aad)
    return json.dumps(members, separators=(",", ":"))


@pytest.mark.parametrize("text", ["", "x", "hällo \U0001f511", "y" * 100_000], ids=["empty", "one", "unicode", "long"])
def test_text_comes_back_in_its_context(bench: Bench, text: str) -> None:
    ciphertext = bench.cipher.encrypt(text, context=b"user:alice")
    assert ciphertext.startswith(f"jk2.{bench.aes_ring.active.kid}.")
    assert bench.cipher.decrypt(ciphertext, context=b"user:alice") == text


def test_another_context_does_not_open_it(bench: Bench) -> None:
    ciphertext = bench.cipher.encrypt("x", context=b"user:alice")
    for other in (b"", b"user:bob", b"user:alice "):
        with pytest.raises(EnvelopeError, match="another context"):
            bench.cipher.decrypt(ciphertext, context=other)


def test_the_same_text_never_gives_the_same_ciphertext(bench: Bench) -> None:
    assert len({bench.cipher.encrypt("x") for _ in range(1000)}) == 1000


def test_bytes_come_back_and_bytes_that_are_no_text_say_so(bench: Bench) -> None:
    ciphertext = bench.cipher.encrypt(b"\xff\xfe")
    assert bench.cipher.decrypt_bytes(ciphertext) == b"\xff\xfe"
    with pytest.raises(EnvelopeError, match="decrypt_bytes"):
        bench.cipher.decrypt(ciphertext)


def test_every_changed_character_is_refused(bench: Bench) -> None:
    ciphertext = bench.cipher.encrypt("a token")
    for position, character in enumerate(ciphertext):
        other = "A" if character != "A" else "B"
        with pytest.raises(EnvelopeError):
            bench.cipher.decrypt(ciphertext[:position] + other + ciphertext[position + 1 :])
    for length in range(len(ciphertext)):
        with pytest.raises(EnvelopeError):
            bench.cipher.decrypt(ciphertext[:length])


HOSTILE: dict[str, object] = {
    "nothing": None,
    "bytes": b"jk2.x.y",
    "number": 1,
    "empty": "",
    "prefix": "jk2.",
    "two parts": "jk2.aes_x",
    "short": "jk2.aes_x.AAAA",
    "padding": "jk2.aes_x." + "A" * 40 + "=",
    "non-ASCII": "jk2.aes_\u00e9." + "A" * 40,
    "surrogate": "jk2.aes_x.\ud800" + "A" * 40,
    "other version": "jk3.aes_x." + "A" * 40,
    "JSON list": "[1]",
    "JSON of v2": '{"v":2,"kid":"a","iv":"","ct":""}',
    "JSON true version": '{"v":true,"kid":"a","iv":"","ct":""}',
    "JSON repeated": '{"v":1,"v":1,"kid":"a","iv":"","ct":""}',
    "JSON missing": '{"v":1,"kid":"a"}',
    "JSON no text": '{"v":1,"kid":1,"iv":2,"ct":3}',
    "JSON deep": '{"a":' * 5000,
}


@pytest.mark.parametrize("ciphertext", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_other_input_is_refused_with_the_same_error(bench: Bench, ciphertext: str) -> None:
    for use in (bench.cipher.decrypt, bench.cipher.needs_rewrap, bench.cipher.rewrap):
        with pytest.raises(EnvelopeError):
            use(ciphertext)


@pytest.mark.parametrize("aad", [None, b"", b"row 7"], ids=["no AAD", "empty AAD", "AAD"])
def test_envelope_v1_is_read_with_the_aad_that_it_carries(bench: Bench, aad: bytes | None) -> None:
    assert bench.cipher.decrypt(legacy(bench, "old", aad)) == "old"


def test_envelope_v1_with_its_aad_cut_out_is_refused(bench: Bench) -> None:
    members = json.loads(legacy(bench, "old", b"row 7"))
    del members["aad"]
    with pytest.raises(EnvelopeError):
        bench.cipher.decrypt(json.dumps(members))


def test_rewrap_brings_old_formats_and_old_keys_to_the_active_key(bench: Bench) -> None:
    old_kid = bench.aes_ring.versions[0].kid
    for old in (legacy(bench, "old"), legacy(bench, "old", kid=old_kid)):
        assert bench.cipher.needs_rewrap(old)
        new = bench.cipher.rewrap(old)
        assert new.startswith(f"jk2.{bench.aes_ring.active.kid}.")
        assert not bench.cipher.needs_rewrap(new)
        assert bench.cipher.decrypt(new) == "old"


def test_an_unknown_kid_is_an_error_of_its_own(bench: Bench) -> None:
    with pytest.raises(UnknownCiphertextKidError):
        bench.cipher.decrypt("jk2.aes_unknown." + "A" * 40)


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (KeyState.COMPROMISED, WithdrawnKeyError),
        (KeyState.DESTROYED, WithdrawnKeyError),
        (KeyState.DEACTIVATED, KeyUnavailableError),
    ],
)
def test_a_key_that_is_not_open_is_told_by_its_state(bench: Bench, state: KeyState, error: type[Exception]) -> None:
    old = bench.aes_ring.versions[0]
    ciphertext = legacy(bench, "old", kid=old.kid)
    view = bench.board.cipher
    assert view is not None
    moved = old if state is KeyState.DEACTIVATED else old.moved_to(state, START)
    ring = replace(bench.aes_ring, versions=(moved, *bench.aes_ring.versions[1:]))
    opening = {kid: key for kid, key in view.opening.items() if kid != old.kid}
    bench.board.show(replace(view, ring=ring, opening=opening))
    with pytest.raises(error, match=old.kid):
        bench.cipher.decrypt(ciphertext)


def test_a_view_past_its_time_encrypts_nothing_and_later_decrypts_nothing(bench: Bench) -> None:
    clock = bench.clock
    assert isinstance(clock, ManualClock)
    ciphertext = bench.cipher.encrypt("x")
    clock.pass_time(VIEW_TTL + timedelta(microseconds=1))
    with pytest.raises(ViewStaleError):
        bench.cipher.encrypt("x")
    assert bench.cipher.decrypt(ciphertext) == "x"
    clock.pass_time(MAX_STALE - VIEW_TTL)
    with pytest.raises(ViewStaleError):
        bench.cipher.decrypt(ciphertext)


def test_an_unknown_kid_is_not_judged_by_a_view_that_publication_may_have_passed(bench: Bench) -> None:
    clock = bench.clock
    assert isinstance(clock, ManualClock)
    clock.pass_time(OLDEST_VIEW)
    with pytest.raises(UnknownCiphertextKidError):
        bench.cipher.decrypt("jk2.aes_unknown." + "A" * 40)
    clock.pass_time(timedelta(microseconds=1))
    with pytest.raises(ViewStaleError):
        bench.cipher.decrypt("jk2.aes_unknown." + "A" * 40)


def test_a_key_encrypts_2_to_the_32_times_and_not_once_more(bench: Bench) -> None:
    kid = bench.aes_ring.active.kid
    bench.budget.report(kid, REFUSE_AT - 1)
    bench.cipher.encrypt("the last")
    with pytest.raises(EncryptionLimitError, match=kid):
        bench.cipher.encrypt("one more")


def test_text_that_utf_8_cannot_carry_is_refused_uncounted_and_without_a_word_of_it(bench: Bench) -> None:
    with pytest.raises(UnencodableTextError) as caught:
        bench.cipher.encrypt("a secret \ud800")
    assert caught.value.__context__ is None
    assert bench.budget.unreported() == {}
    assert bench.cipher.decrypt_bytes(bench.cipher.encrypt("\ud83d\ude00".encode("utf-16", "surrogatepass")))
