"""Real processes race for one ledger and vault, and wrong designs are caught by the same race."""

import re
from pathlib import Path

import pytest

from tests.proof.first_starts import start_at_once
from tests.proof.race_ledger import Hold
from tests.proof.races import RACERS, race_for, run
from tests.proof.wrong_designs import Design, without_a_lock, without_compare_and_set, without_waiting_to_retire
from tests.support.infisical.homes import in_infisical
from tests.support.infisical.programs import a_binary
from tests.support.infisical.server import InfisicalServer

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.no_cover]

_FOUNDED_TWICE = r"the jwt ring has generation 1 and \d+ keys"
_NOT_KEPT = "cannot be read back|gone from the store"


def test_each_of_two_hundred_generations_has_one_winner_and_fifty_first_starts_make_one_key_per_family() -> None:
    verdict = run(nightly=False)
    assert verdict.holds, "\n".join(verdict.lines)
    assert "first starts 50, rings 2, keys 4" in verdict.lines
    assert verdict.lines[-1] == "races 200 generations x 8 processes, 200 winners, keys lost 0"


@pytest.mark.parametrize(
    ("design", "said"),
    [
        pytest.param(without_compare_and_set, "winners", id="a ledger without compare and set"),
        pytest.param(without_waiting_to_retire, "is lost", id="keys destroyed before their tokens end"),
    ],
)
def test_the_race_catches(design: Design, said: str) -> None:
    judgement = race_for(2, design=design, longest_token_s=600)
    assert not judgement.holds
    assert any(re.search(said, wrong) for wrong in judgement.wrongs), "\n".join(judgement.wrongs)


@pytest.mark.parametrize(
    ("design", "said"),
    [
        pytest.param(without_compare_and_set, _FOUNDED_TWICE, id="a ledger without compare and set"),
        pytest.param(without_a_lock, _NOT_KEPT, id="a vault that processes write over each other"),
    ],
)
def test_first_starts_at_once_catch(design: Design, said: str) -> None:
    verdict = start_at_once(8, hold=Hold.AFTER_LOOKING, design=design)
    assert not verdict.holds
    assert any(re.search(said, line) for line in verdict.lines), "\n".join(verdict.lines)


def test_eight_processes_race_with_their_keys_in_infisical(tmp_path: Path) -> None:
    """W1 is longer than a busy machine takes to stage a key there: reconcile sweeps what nobody published by then."""
    with InfisicalServer() as server:
        unhurried = {"journal_jwks_max_age": 10.0, "journal_infisical_cache_ttl": 10.0}
        judged = race_for(4, keys_in={**in_infisical(server, a_binary(tmp_path)), **unhurried})
    assert judged.wrongs == ()
    assert judged.line(RACERS) == "races 4 generations x 8 processes, 4 winners, keys lost 0"
