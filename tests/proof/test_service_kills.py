"""A service that rotates on PostgreSQL, Redis and the stand-in for Infisical is killed; wrong designs are caught."""

import re
from functools import partial

import pytest

from tests.proof.kills import SEED, kill_times
from tests.proof.service_kills import KILLS, PATIENCE_S, on_servers
from tests.proof.wrong_designs import without_reconciling, without_waiting_to_retire
from tests.support.postgres_server import PostgresServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(900),
    pytest.mark.no_cover,
    pytest.mark.usefixtures("shared_redis"),
]

SUMMARY = re.compile(
    rf"kills {KILLS}, ready again {KILLS} \(longest (\d+\.\d) s\), tokens refused 0, ciphertexts unreadable 0"
)


def test_a_rotating_service_killed_at_random_instants_leaves_every_key_good_and_the_next_one_ready(
    postgres: PostgresServer,
) -> None:
    tally = kill_times(KILLS, seed=SEED, new_ground=partial(on_servers, postgres), patience_s=PATIENCE_S)
    assert tally.is_sound, "\n".join(tally.lines)
    assert SUMMARY.fullmatch(tally.lines[-1]), tally.lines[-1]
    assert tally.has_read, "what is never read is never refused"
    assert len(tally.struck) >= 4, "the kills must strike in different phases"


def test_a_service_that_does_not_reconcile_is_caught(postgres: PostgresServer) -> None:
    tally = kill_times(20, seed=1, new_ground=partial(on_servers, postgres), survivor=without_reconciling)
    assert not tally.is_sound
    assert "run 'journal-keys reconcile'" in tally.wrongs[0]


def test_a_service_that_destroys_keys_before_their_tokens_end_is_caught(postgres: PostgresServer) -> None:
    tally = kill_times(
        KILLS,
        seed=1,
        new_ground=partial(on_servers, postgres),
        survivor=without_waiting_to_retire,
        patience_s=PATIENCE_S,
        journal_jwt_longest_token=600,
    )
    assert not tally.is_sound
    assert tally.read["refused"] > 0
