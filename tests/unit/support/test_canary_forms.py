"""A secret is found in every form, wherever it stands, and nothing else is."""

import base64
import hashlib
import json
import os
from collections.abc import Callable
from urllib.parse import quote, quote_from_bytes, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest

from tests.support.canary.forms import needles
from tests.support.canary.search import Haystack

Form = Callable[[bytes], bytes]


def latin(form: Callable[[str], str]) -> Form:
    """The form of bytes that somebody read as text."""
    return lambda data: form(data.decode("latin-1")).encode("utf-8")


def wrapped(data: bytes) -> bytes:
    """Base64 in lines of 64 characters, as in PEM."""
    text = base64.b64encode(data)
    return b"\n".join(text[start : start + 64] for start in range(0, len(text), 64))


def record(data: bytes) -> bytes:
    """As a stored line holds a key: base64url of JSON of base64url."""
    inner = base64.urlsafe_b64encode(data).decode().rstrip("=")
    return base64.urlsafe_b64encode(json.dumps({"alg": "A256GCM", "key": inner}).encode())


def figure(data: bytes) -> bytes:
    """As the label of a figure."""
    registry = CollectorRegistry()
    Counter("leaks", "Leaks.", ["key"], registry=registry).labels(data.decode("latin-1")).inc()
    return generate_latest(registry)


FORMS: dict[str, Form] = {
    "raw bytes": bytes,
    "hex": lambda data: data.hex().encode(),
    "hex in capitals": lambda data: data.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
    "base64 in lines": wrapped,
    "a material record": record,
    "URL encoding": lambda data: quote_from_bytes(data).encode(),
    "URL encoding of slashes too": lambda data: quote_from_bytes(data, safe="").encode(),
    "URL encoding with plus": lambda data: quote_plus(data).encode(),
    "URL encoding of every byte": lambda data: "".join(f"%{byte:02x}" for byte in data).encode(),
    "base64 in a query": lambda data: quote(base64.b64encode(data), safe="").encode(),
    "JSON": latin(json.dumps),
    "JSON with its letters": latin(lambda text: json.dumps(text, ensure_ascii=False)),
    "repr of bytes": lambda data: repr(data).encode(),
    "repr of text": latin(repr),
    "ascii of text": latin(ascii),
    "repr of bytes in JSON": lambda data: json.dumps(repr(data)).encode(),
    "repr of bytes in repr": lambda data: repr(repr(data)).encode(),
    "JSON in repr": lambda data: repr(latin(json.dumps)(data).decode()).encode(),
    "a label of a figure": figure,
    "JSON in JSON": lambda data: json.dumps(latin(json.dumps)(data).decode()).encode(),
}
secrets = st.binary(min_size=32, max_size=80)
noise = st.binary(max_size=70)


def looking_for(*wanted: bytes) -> Haystack:
    haystack = Haystack()
    for secret in wanted:
        haystack.add(secret)
    return haystack


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@settings(max_examples=50)
@given(secret=secrets, before=noise, after=noise, shift=st.integers(0, 16))
def test_a_secret_is_found_in_every_form_at_every_place(
    form: Form, secret: bytes, before: bytes, after: bytes, shift: int
) -> None:
    assert looking_for(secret).search(b"." * shift + form(before + secret + after))


@given(parts=st.lists(st.text(min_size=40, max_size=60), min_size=3, max_size=3))
def test_a_text_is_found_in_json_and_repr(parts: list[str]) -> None:
    whole = "".join(parts)
    haystack = looking_for(parts[1].encode())
    for shown in (json.dumps(whole), json.dumps(whole, ensure_ascii=False), repr(whole), ascii(whole)):
        assert haystack.search(shown.encode())


@given(secret=secrets, text=st.binary(max_size=2_000))
def test_what_is_found_is_there(secret: bytes, text: bytes) -> None:
    assert not looking_for(hashlib.sha256(secret).digest()).search(text)


def test_a_part_of_31_bytes_is_enough_and_one_of_15_is_not() -> None:
    secret = os.urandom(48)
    haystack = looking_for(secret)
    for start in range(48 - 31):
        assert haystack.search(secret[start : start + 31]) == {"raw bytes"}
    for start in range(48 - 15):
        assert haystack.search(secret[start : start + 15]) == set()


@pytest.mark.parametrize("length", range(16))
def test_what_is_too_short_to_be_a_secret_is_not_looked_for(length: int) -> None:
    assert needles(os.urandom(length)) == ()


@pytest.mark.parametrize("at", range(24))
def test_in_a_long_text_every_position_is_seen(at: int) -> None:
    secret = os.urandom(32)
    others = looking_for(*(os.urandom(32) for _ in range(20)), secret)
    for text in (os.urandom(20_000 + at) + secret, os.urandom(at) + secret + os.urandom(20_000)):
        assert others.search(text) == {"raw bytes"}
