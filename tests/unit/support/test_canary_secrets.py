"""What is looked for in every test: a secret of its own, however many it makes, and whatever is seeded."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.canary.known import PLANTED_IN, Known
from tests.support.canary.watch import WATCH
from tests.support.operator import Operator

TESTS = Path(__file__).parents[2]


def test_a_test_that_makes_no_secret_has_one_in_its_environment() -> None:
    assert len(WATCH.known) == 0
    assert WATCH.known.haystack().search(os.environ[PLANTED_IN].encode())


def test_no_two_tests_have_the_same_secret() -> None:
    known = Known()
    assert len({known.plant() for _ in range(100)}) == 100


def test_the_planted_secret_is_looked_for_beside_more_than_are_kept() -> None:
    known = Known()
    known.forget()
    planted = known.plant()
    known.add(os.urandom(16) for _ in range(1000))
    assert known.haystack().search(f"before {planted} behind".encode())


@pytest.mark.processes
def test_keys_of_a_vault_that_is_removed_are_looked_for(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    assert operator.run("init").returncode == 0
    assert len(WATCH.known) == 0
    shutil.rmtree(operator.home)
    assert len(WATCH.known) >= 5, "the master key and two keys of each ring"


def test_whatever_a_test_seeds_is_known_to_the_canaries() -> None:
    plain = "from journal_keys.adapters.memory.entropy import"
    users = {str(path.relative_to(TESTS)) for path in TESTS.rglob("*.py") if plain in path.read_text("utf-8")}
    assert users - {str(Path(__file__).relative_to(TESTS))} == {"contract/test_entropy.py", "support/canary/entropy.py"}
