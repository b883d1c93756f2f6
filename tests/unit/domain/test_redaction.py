"""What a text shows: nothing that a terminal obeys, nothing that ends a line, nothing that has the form of a secret."""

import base64
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_keys.domain.redaction import CUT, REDACTED, escaped, redacted, shown

KEY = bytes(range(7, 39))
SECRETS = {
    "a signed token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl",
    "a signed token cut in two": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2Ii",
    "an encrypted token": "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn",
    "a token of three long parts": "QWxhZGRpbjpvcGVuc2Vz.YW1lQWxhZGRpbjpvcGVu.c2VzYW1lYWxhZGRpbjpv",
    "a token of the admin plane": "jka_" + base64.urlsafe_b64encode(KEY).decode().rstrip("="),
    "a ciphertext": "jk2.aes_00112233445566778899aabbccddeeff.AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
    "a service token": "st.64a1f0c2b3d4e5f60718293a.0123456789abcdef0123456789abcdef.fedcba9876543210",
    "the beginning of a service token": "st.64a1f0c2b3d4e5f60718293a.0123456789abcdef",
    "a key as base64url": base64.urlsafe_b64encode(KEY).decode().rstrip("="),
    "a key as base64": base64.b64encode(KEY).decode(),
    "a key as hex": KEY.hex(),
    "a key as HEX": KEY.hex().upper(),
    "the repr of a key": repr(KEY),
    "the repr of a key with quotes": repr(KEY + b"'\"\\"),
    "a key read as text": KEY.decode("latin-1"),
    "a PEM block": "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcICQoLDA0O\n-----END PRIVATE KEY-----",
    "a PEM block without its end": "-----BEGIN EC PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcICQ",
    "an age identity": "AGE-SECRET-KEY-1QJPZ3XV6L7C5K2N8M4R9T0W",
    "a webhook's secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a Fernet token": "gAAAAABm" + base64.urlsafe_b64encode(KEY * 2).decode(),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("before", ["", "failed: ", "failed:\n", "x", '{"value": "'])
def test_a_secret_is_put_out_of_sight_wherever_it_stands(secret: str, before: str) -> None:
    told = shown(f"{before}{secret} and so on")
    assert REDACTED in told
    pieces = {secret[at : at + 12] for at in range(0, len(secret) - 12, 4)}
    assert not [piece for piece in pieces if piece in told and piece not in "-----BEGIN EC PRIVATE KEY-----"]


NAMED = {
    "a URL with a password": ("postgresql+asyncpg://app:hunter2@db.internal:5432/app", "hunter2", "db.internal:5432"),
    "a password with an at sign": ("redis://:hun@ter2@cache:6379/0 is away", "ter2", "cache:6379/0 is away"),
    "a URL with a token": ("https://hunter2@example.org/path", "hunter2", "example.org/path"),
    "a bearer token": ("Authorization: Bearer hunter2hunter2", "hunter2", "Authorization"),
    "an assignment": ("connect failed password=hunter2 host=db", "hunter2", "host=db"),
    "a variable": ("INFISICAL_TOKEN=hunter2 was refused", "hunter2", "INFISICAL_TOKEN="),
    "a member of JSON": ('{"client_secret": "hunter2", "id": 7}', "hunter2", '"id": 7'),
    "a member of a dict": ("{'password': 'hunter2', 'id': 7}", "hunter2", "'id': 7"),
}


@pytest.mark.parametrize(("text", "secret", "stays"), NAMED.values(), ids=NAMED)
def test_a_short_secret_is_known_by_what_stands_around_it(text: str, secret: str, stays: str) -> None:
    told = shown(text)
    assert secret not in told
    assert stays in told
    assert REDACTED in told


@pytest.mark.parametrize(
    "text",
    [
        "jwt_" + "aB3_" * 5 + "xY",
        "aes_00112233445566778899aabbccddeeff",
        "0f" * 16,
        "/usr/lib/python3.11/site-packages/sqlalchemy/dialects/postgresql/asyncpg.py",
        "test_a_rotation_that_waits_is_logged_once_and_the_next_one_again",
        "journal_keys.entrypoints.background",
        "the token: it is expired; set a new one",
        "this needs a bearer token",
        "https://keys.example.org:8443/.well-known/jwks.json",
        "envelope v2 is jk2.<kid>.<base64url of at least 28 bytes>",
        "2026-11-26T12:00:00+00:00",
        "/Applications/Python/SitePackages/SqlAlchemy/Dialects/asyncpg",
        "THE_NAME_OF_A_SETTING_THAT_IS_LONGER_THAN_ANY_KEY_IS",
        ("of 4096 characters " * 300)[:4096],
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize("text", [KEY.hex(), "K" + "eyOfSomebody" * 8])
def test_an_identifier_may_be_long(text: str) -> None:
    assert shown(text, is_identifier=True) == text
    assert shown(text) == REDACTED


@pytest.mark.parametrize("name", ["a signed token", "a token of the admin plane", "a ciphertext", "a service token"])
def test_an_identifier_is_no_hiding_place_for_a_token(name: str) -> None:
    assert shown(SECRETS[name], is_identifier=True) == REDACTED


@given(st.binary(min_size=32, max_size=64), st.sampled_from(["urlsafe", "standard", "hex", "repr"]))
def test_no_key_is_shown(key: bytes, form: str) -> None:
    text = {
        "urlsafe": base64.urlsafe_b64encode(key).decode().rstrip("="),
        "standard": base64.b64encode(key).decode(),
        "hex": key.hex(),
        "repr": repr(key),
    }[form]
    is_plain = text in {text.lower(), text.upper()} and form != "hex"  # of random bytes, none is
    is_ascii = form == "repr" and "\\x" not in text
    assert is_plain or is_ascii or text not in shown(f"found {text} there")


CONTROLS = {
    "a line feed": "\n",
    "a carriage return": "\r",
    "an escape sequence": "\x1b[31m",
    "a C1 escape": "\x9b31m",
    "a line separator": "\u2028",
    "a paragraph separator": "\u2029",
    "a bidi override": "\u202e",
    "a bidi isolate": "\u2066",
    "a zero width space": "\u200b",
    "a NUL": "\0",
    "a lone surrogate": "\ud800",
    "a next line": "\x85",
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
def test_a_control_character_is_written_out(control: str) -> None:
    told = escaped(f"before{control}after")
    assert told.isprintable()
    assert told.startswith("before\\")
    assert told.endswith("after")


@given(st.text(alphabet=st.characters()))
def test_no_text_ends_a_line_or_moves_a_cursor(text: str) -> None:
    told = shown(text)
    assert told.isprintable()
    assert len((told + "x").splitlines()) == 1
    assert not [one for one in told if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_a_long_text_is_cut_between_words() -> None:
    secret = SECRETS["a signed token"]
    told = shown("word " * 815 + secret)  # the cut falls into the token
    assert told.endswith(CUT)
    assert secret[:12] not in told
    assert len(told) <= 4096 + len(CUT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("word " * 819 + "w", "word " * 819 + "w"),
        ("word " * 819 + "wo", ("word " * 819).rstrip() + CUT),
        ("one " + "-" * 5000, "one" + CUT),
        ("-" * 5000, CUT),
    ],
    ids=["as long as may be", "one character longer", "a long word", "no blank at all"],
)
def test_of_a_long_text_the_whole_words_stay_that_there_is_room_for(text: str, told: str) -> None:
    assert shown(text) == told


def test_redaction_takes_no_more_than_linear_time() -> None:
    for text in ("-----BEGIN " * 400, "a" * 4096, "b'\\x00" * 700, "://a:" * 800, "eyJaaaaa." * 450, "\\x00" * 1000):
        redacted(text[:4096])
