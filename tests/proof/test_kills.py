"""A rotating process is killed at random instants, and wrong designs are caught by the same kills."""

import re

import pytest

from tests.proof.kills import kill_times, run
from tests.proof.wrong_designs import without_reconciling, without_waiting_to_retire, written_in_place

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.no_cover]

SUMMARY = re.compile(r"kills 100, ready again 100 \(longest (\d+\.\d) s\), tokens refused 0, ciphertexts unreadable 0")


def test_a_rotating_process_killed_at_a_hundred_instants_leaves_every_key_good_and_the_next_one_ready() -> None:
    verdict = run(nightly=False)
    assert verdict.holds, "\n".join(verdict.lines)
    assert SUMMARY.fullmatch(verdict.lines[-1]), verdict.lines[-1]
    places = [line for line in verdict.lines if line.startswith("killed in the ")]
    assert len(places) >= 5, "the kills must strike in different phases"


def test_a_vault_written_in_place_is_caught() -> None:
    tally = kill_times(40, seed=1, victim=written_in_place)
    assert not tally.holds
    assert "VaultDamagedError" in tally.wrongs[0]
    assert tally.read["unreadable"] > 0


def test_a_process_that_does_not_reconcile_is_caught() -> None:
    tally = kill_times(40, seed=1, survivor=without_reconciling)
    assert not tally.holds
    assert "run 'journal-keys reconcile'" in tally.wrongs[0], "either of two things is left undone, as the kill falls"


def test_keys_destroyed_before_their_tokens_end_are_caught() -> None:
    tally = kill_times(40, seed=1, survivor=without_waiting_to_retire, journal_jwt_longest_token=600)
    assert not tally.holds
    assert tally.read["refused"] > 0
