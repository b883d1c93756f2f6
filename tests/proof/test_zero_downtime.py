"""Four instances on PostgreSQL and Redis refuse nothing through rotations and kills; wrong designs are caught."""

import re
from dataclasses import replace

import pytest

from tests.proof.wrong_designs import without_waiting_to_promote, without_waiting_to_retire
from tests.proof.zero_downtime import ORDINARY, Amount, put_under_load
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.no_cover]

SUMMARY = re.compile(
    r"zero-downtime: (\d+) tokens, (\d+) ciphertexts, (\d+) rotations, (\d+) kills, 0 refused, 0 unreadable"
)
ENDLESS = Amount(each=1_000_000, rotations=1_000)
SELDOM = replace(ENDLESS, asks=0.03)
"""Who asks for a rotation sees its keys at once: most are to see them later."""


def test_nothing_is_refused_or_unreadable_through_rotations_and_kills(
    postgres: PostgresServer, own_redis: RedisServer
) -> None:
    tally = put_under_load(ORDINARY, postgres, own_redis)
    assert tally.holds, "\n".join(tally.lines)
    found = SUMMARY.fullmatch(tally.lines[-1])
    assert found, tally.lines[-1]
    tokens, ciphertexts, rotations, kills = map(int, found.groups())
    assert min(tokens, ciphertexts) >= 50_000
    assert rotations >= 5
    assert kills >= 1


def test_a_key_that_signs_before_others_can_know_it_is_caught(postgres: PostgresServer, own_redis: RedisServer) -> None:
    tally = put_under_load(SELDOM, postgres, own_redis, design=without_waiting_to_promote, longest_s=240)
    assert not tally.holds
    assert tally.unreadable or tally.refused


def test_a_key_that_is_destroyed_before_its_tokens_end_is_caught(
    postgres: PostgresServer, own_redis: RedisServer
) -> None:
    tally = put_under_load(ENDLESS, postgres, own_redis, design=without_waiting_to_retire, longest_s=240)
    assert not tally.holds
    assert tally.refused
