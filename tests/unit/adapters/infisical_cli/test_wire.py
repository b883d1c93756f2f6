"""Values on their way to the CLI and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_keys.adapters.infisical_cli import wire
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import SecretHiddenError, SecretStoreProtocolError

FOLDER = SecretPath.parse("/database")


def listing(*secrets: dict[str, object]) -> bytes:
    return json.dumps([{"key": "name", "value": "v", "type": "shared", "_id": "", **s} for s in secrets]).encode()


@pytest.mark.parametrize(
    "value",
    [b"postgresql://u:p@h/db", b"-----BEGIN X-----\nMC4=\n-----END X-----\n", b"@file", b"-x", b"=x", b"# x", b"a\tb"],
    ids=["a URL", "a PEM", "leading at", "leading dash", "leading equals", "a hash", "a tab inside"],
)
def test_what_the_server_keeps_is_stored_as_it_is(value: bytes) -> None:
    assert wire.to_text(KeyMaterial(value)) == value.decode()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" x",
        b"x\t",
        b"x\n\n",
        b"\n",
        "\u00a0x".encode(),
        "x\ufeff".encode(),
        b"${X}",
        b"\x00",
        "a\u0085b".encode(),
        b"\xff",
        b"<hidden-by-infisical>",
        b"******",
        b"journal_keys:base64url:eA",
    ],
)
def test_what_the_server_or_the_cli_would_change_is_stored_in_base64url(value: bytes) -> None:
    text = wire.to_text(KeyMaterial(value))
    assert text.startswith("journal_keys:base64url:")
    assert expose(wire.from_text(FOLDER, "name", text)) == value


@given(st.binary(max_size=200) | st.text(max_size=50).map(lambda text: text.encode("utf-8", "replace")))
def test_every_value_comes_back_and_is_not_changed_by_trimming(value: bytes) -> None:
    text = wire.to_text(KeyMaterial(value))
    trimmed = text.strip() + ("\n" if text.endswith("\n") else "")
    assert expose(wire.from_text(FOLDER, "name", trimmed)) == value


def test_a_mark_before_something_else_is_refused_without_its_text() -> None:
    with pytest.raises(SecretStoreProtocolError, match=r"/database/name is marked") as refusal:
        wire.from_text(FOLDER, "name", "journal_keys:base64url:!secret!")
    assert "!secret!" not in str(refusal.value)
    assert refusal.value.__context__ is None


def test_yaml_is_ascii_and_escapes_all_but_printable_ascii() -> None:
    assert wire.to_yaml({"n": "v", "name": 'a"b\\c\n\u00fc\U0001f511~ '}) == (
        b'"n": "v"\n' + rb'"name": "a\U00000022b\U0000005Cc\U0000000A\U000000FC\U0001F511~ "' + b"\n"
    )


def test_a_listing_is_read_by_name() -> None:
    content = wire.parse_listing(FOLDER, listing({}, {"key": "other", "value": "w\n"}))
    assert {name: expose(value) for name, value in content.secrets.items()} == {"name": b"v", "other": b"w\n"}


def test_names_that_have_no_path_are_left_out() -> None:
    foreign: list[dict[str, object]] = [{"key": name} for name in ("dot.ted", "a:b", "ümlaut", "1x", "a b", "x" * 65)]
    assert set(wire.parse_listing(FOLDER, listing({}, *foreign)).secrets) == {"name"}


@pytest.mark.parametrize(
    "printed",
    [
        b"",
        b"null",
        b"{}",
        b"[",
        b"[]]",
        b"[] banner",
        b"\xff[]",
        b"SECRET NAME | SECRET VALUE",
        b'[{"key":"name","value":"v"}]',
        b'[{"key":"name","value":"v","value":"w","type":"shared"}]',
        listing({"value": None}),
        listing({"value": 1}),
        listing({"key": ""}),
        listing({"type": "personal"}),
        listing({}, {}),
    ],
)
def test_anything_else_than_a_list_of_shared_secrets_is_refused(printed: bytes) -> None:
    with pytest.raises(SecretStoreProtocolError, match="/database"):
        wire.parse_listing(FOLDER, printed)


@pytest.mark.parametrize("mask", ["<hidden-by-infisical>", "******"])
def test_a_mask_is_no_value(mask: str) -> None:
    with pytest.raises(SecretHiddenError, match="/database/name"):
        wire.parse_listing(FOLDER, listing({"value": mask}))


def test_a_refused_listing_carries_no_value_along() -> None:
    with pytest.raises(SecretStoreProtocolError) as refusal:
        wire.parse_listing(FOLDER, listing({"value": "the value"}, {"value": ["the value"]}))
    assert refusal.value.__context__ is None
    assert "the value" not in str(refusal.value)


@pytest.mark.parametrize("printed", [b"", b"\n", b"two words\n", b"two\nlines\n", b"\xfcml\n", b"x" * 20_000])
def test_a_login_that_prints_no_token_is_refused(printed: bytes) -> None:
    with pytest.raises(SecretStoreProtocolError, match="no access token"):
        wire.parse_token(printed)


def test_a_token_is_the_one_line_that_a_login_prints() -> None:
    assert expose(wire.parse_token(b"eyJ.TEST.TOKEN\n")) == b"eyJ.TEST.TOKEN"


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        (b"infisical version 0.42.1\n", (0, 42, 1)),
        (b"infisical version devel\n", None),
        (b"infisical version 0.42.1-rc1\n", None),
        (b"", None),
        (b"0.42.1\n", None),
    ],
)
def test_a_version_is_three_numbers_behind_the_name(printed: bytes, version: tuple[int, int, int] | None) -> None:
    assert wire.parse_version(printed) == version
