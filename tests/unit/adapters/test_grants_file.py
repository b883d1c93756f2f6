"""The file of tokens: what is read from it, what is refused, and who may write it."""

import json
from pathlib import Path

import pytest

from journal_keys.adapters.embedded.grants_file import FileGrants
from journal_keys.domain.access import Grant
from journal_keys.domain.errors import InvalidNameError
from journal_keys.domain.scopes import Scope
from journal_keys.ports.grants import GrantsError

ONE = Grant(name="deploy", digest="a" * 64, scopes=frozenset({Scope.ROTATE, Scope.ROTATE_FORCE}))
OTHER = Grant(name="watch", digest="b" * 64, scopes=frozenset({Scope.READ}))
ENTRY = {"name": "deploy", "sha256": "a" * 64, "scopes": ["read"]}


@pytest.fixture
def grants(tmp_path: Path) -> FileGrants:
    return FileGrants(tmp_path / "tokens.json")


def test_what_is_added_is_there_for_others_until_it_is_removed(grants: FileGrants) -> None:
    grants.add(ONE)
    grants.add(OTHER)
    assert list(FileGrants(grants.path).current()) == [ONE, OTHER]
    assert grants.path.stat().st_mode & 0o777 == 0o600
    grants.remove("deploy")
    assert list(FileGrants(grants.path).current()) == list(grants.current()) == [OTHER]


def test_a_name_is_there_once_and_only_what_is_there_is_removed(grants: FileGrants) -> None:
    grants.add(ONE)
    with pytest.raises(InvalidNameError, match="there is a token deploy"):
        grants.add(ONE)
    with pytest.raises(InvalidNameError, match="there is no token watch"):
        grants.remove("watch")
    assert list(grants.current()) == [ONE]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"tokens": {}, "tokens": []}',
        b'{"tokens": [], "more": 1}',
        b'{"tokens": [5]}',
        json.dumps({"tokens": [ENTRY, ENTRY]}).encode(),
        json.dumps({"tokens": [{**ENTRY, "sha256": "A" * 64}]}).encode(),
        json.dumps({"tokens": [{**ENTRY, "sha256": "a" * 63}]}).encode(),
        json.dumps({"tokens": [{**ENTRY, "name": "De ploy"}]}).encode(),
        json.dumps({"tokens": [{**ENTRY, "scopes": ["everything"]}]}).encode(),
        json.dumps({"tokens": [{**ENTRY, "scopes": "read"}]}).encode(),
        json.dumps({"tokens": [{**ENTRY, "token": "jka_"}]}).encode(),
        b" " * (256 * 1024 + 1),
    ],
)
def test_a_malformed_file_lets_nobody_in_and_is_not_repeated(grants: FileGrants, content: bytes) -> None:
    grants.add(ONE)
    grants.path.write_bytes(content)
    with pytest.raises(GrantsError, match=r"expected \{") as refusal:
        grants.current()
    assert refusal.value.__context__ is None
    with pytest.raises(GrantsError):
        grants.add(OTHER)
    assert grants.path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_lets_nobody_in(grants: FileGrants, mode: int) -> None:
    grants.add(ONE)
    grants.path.chmod(mode)
    with pytest.raises(GrantsError, match="chmod go-w"):
        FileGrants(grants.path).current()


def test_a_mode_that_changed_alone_is_noticed(grants: FileGrants) -> None:
    grants.add(ONE)
    assert list(grants.current()) == [ONE]
    grants.path.chmod(0o666)
    with pytest.raises(GrantsError, match="chmod go-w"):
        grants.current()


def test_what_is_no_file_lets_nobody_in(tmp_path: Path) -> None:
    with pytest.raises(GrantsError):
        FileGrants(tmp_path).current()
    with pytest.raises(GrantsError):
        FileGrants(tmp_path / ("a" * 300)).current()
