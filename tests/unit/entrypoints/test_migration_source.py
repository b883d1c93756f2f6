"""Where a migration comes from is read strictly; what is refused names variable or line, and nothing of its content."""

import traceback
from pathlib import Path

import pytest

from journal_keys.domain.exposure import expose
from journal_keys.domain.migration import DEFAULT_MAP, AesKeyVariables, MigrationMapError, SigningKeyVariables
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.migration_source import MigrationSourceError, from_environment, from_file, read_map

CANARY = "c4n4ry"


def file_of(folder: Path, text: str | bytes) -> Path:
    file = folder / "app.env"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_an_env_file_is_read_as_it_stands(tmp_path: Path) -> None:
    text = (
        "# a comment\n\n"
        "A=plain\n"
        "export B='single $A ${A:-x} `id`'\n"
        'C="two\\nlines and a \\" quote"\n'
        'D="-----BEGIN-----\nline\n-----END-----"\n'
        "E=with spaces # and a comment\n"
        "UNWANTED=other\n"
    )
    found = {name: expose(value).decode() for name, value in from_file(file_of(tmp_path, text), "ABCDE").items()}
    assert found == {
        "A": "plain",
        "B": "single $A ${A:-x} `id`",
        "C": 'two\nlines and a " quote',
        "D": "-----BEGIN-----\nline\n-----END-----",
        "E": "with spaces",
    }


REFUSED = {
    "a line of a secret": (f"A=1\n{CANARY}\n", r"line 2: the name is set to nothing"),
    "two lines of a secret": (f"A=1\n{CANARY}==\n{CANARY}==\n", r"line 3: the name was set in line 2 already"),
    "an empty value": ("A=\n", r"line 1: A is set to nothing"),
    "an empty quoted value": ('A=1\nB=""\n', r"line 2: B is set to nothing"),
    "a name twice": (f"A={CANARY}\nB=1\nA=2\n", r"line 3: A was set in line 1 already"),
    "no line of an env file": (f"A=1\n={CANARY}\n", r"line 2: expected NAME=value"),
    "an open quote": (f'A="{CANARY}\n', r"line 1: expected NAME=value"),
    "other bytes": (b"A=\xff" + CANARY.encode(), "is no env file"),
    "a NUL": (f"A=1\0{CANARY}", "is no env file"),
    "too much": ("A=" + CANARY * 200_000, "is no env file"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_every_other_line_is_refused_by_its_number(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(MigrationSourceError, match=said) as caught:
        from_file(file_of(tmp_path, text), {"A", "B"})
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(MigrationSourceError, match=str(place)):
            from_file(place, {"A"})


def test_of_the_environment_only_variables_that_are_set_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JK_A", "value")
    monkeypatch.delenv("JK_B", raising=False)
    assert {name: expose(value) for name, value in from_environment(("JK_A", "JK_B")).items()} == {"JK_A": b"value"}
    for value, said in (("", "JK_B is empty"), ("c4n4ry\udcff", "JK_B is no UTF-8 text")):
        monkeypatch.setenv("JK_B", value)
        with pytest.raises(MigrationSourceError, match=said) as caught:
            from_environment(("JK_A", "JK_B"))
        assert CANARY not in "".join(traceback.format_exception(caught.value))


def map_of(folder: Path, text: str) -> Path:
    file = folder / "map.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_map_replaces_the_sections_that_it_has(tmp_path: Path) -> None:
    text = (
        'shared_secrets = []\nfernet_keys = ["APP_FERNET"]\n'
        '[secrets]\nAPP_DB = "/database/db_url_sync"\n'
        '[[signing_keys]]\nprivate = "APP_KEY"\nkid = "APP_KID"\n'
        '[[aes_keys]]\nkeys = "APP_KEYS"\n'
    )
    found = read_map(map_of(tmp_path, text))
    assert dict(found.secrets) == {"APP_DB": SecretPath.parse("/database/db_url_sync")}
    assert found.signing_keys == (SigningKeyVariables(private="APP_KEY", kid="APP_KID"),)
    assert found.aes_keys == (AesKeyVariables(keys="APP_KEYS"),)
    assert (found.shared_secrets, found.fernet_keys) == ((), ("APP_FERNET",))
    kept = read_map(map_of(tmp_path, 'fernet_keys = ["APP_FERNET"]\n'))
    assert kept.signing_keys == DEFAULT_MAP.signing_keys
    assert read_map(None) is DEFAULT_MAP


MAPS = {
    "no TOML": "secrets = [",
    "another section": 'secret = ["A"]',
    "a path that is none": '[secrets]\nA = "database"',
    "a path that a ring owns": '[secrets]\nA = "/auth/aes/keys_map"',
    "a name that is none": '[secrets]\n"1-A" = "/database/x"',
    "a list of numbers": "shared_secrets = [1]",
    "a text for a list": 'fernet_keys = "A"',
    "a key with other members": '[[signing_keys]]\nprivate = "A"\npem = "B"',
    "a key without its private half": '[[signing_keys]]\npublic = "A"',
    "a key that is a text": 'signing_keys = ["A"]',
    "a variable twice": 'shared_secrets = ["A", "A"]',
}


@pytest.mark.parametrize("text", MAPS.values(), ids=MAPS.keys())
def test_what_is_no_map_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MigrationMapError):
        read_map(map_of(tmp_path, text))


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MigrationMapError, match=r"none\.toml"):
        read_map(tmp_path / "none.toml")
