"""One test per sentence of `ports.grants`, for every adapter."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from journal_keys.adapters.embedded.grants_file import FileGrants
from journal_keys.adapters.memory.grants import MemoryGrants
from journal_keys.domain.access import Grant
from journal_keys.domain.scopes import Scope
from journal_keys.ports.grants import Grants

ONE = Grant(name="deploy", digest="a" * 64, scopes=frozenset({Scope.ROTATE, Scope.ROTATE_FORCE}))
OTHER = Grant(name="watch", digest="b" * 64, scopes=frozenset({Scope.READ}))
Maker: TypeAlias = Callable[[Path, tuple[Grant, ...]], Grants]


def in_memory(_folder: Path, grants: tuple[Grant, ...]) -> Grants:
    return MemoryGrants(grants)


def in_a_file(folder: Path, grants: tuple[Grant, ...]) -> Grants:
    file = FileGrants(folder / "tokens.json")
    for grant in grants:
        file.add(grant)
    return FileGrants(file.path)


@pytest.fixture(params=[in_memory, in_a_file])
def make(request: pytest.FixtureRequest) -> Maker:
    chosen: Maker = request.param
    return chosen


@pytest.mark.parametrize("grants", [(), (ONE,), (ONE, OTHER)])
def test_those_that_count_are_given_each_time(make: Maker, tmp_path: Path, grants: tuple[Grant, ...]) -> None:
    made = make(tmp_path, grants)
    assert isinstance(made, Grants)
    assert [tuple(made.current()) for _ in range(2)] == [grants, grants]


def test_one_that_was_taken_away_is_gone_from_the_next_answer_on(tmp_path: Path) -> None:
    made = in_a_file(tmp_path, (ONE, OTHER))
    assert len(made.current()) == 2
    FileGrants(tmp_path / "tokens.json").remove("deploy")
    assert list(made.current()) == [OTHER]
