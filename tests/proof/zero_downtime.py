"""Tokens and ciphertexts under load, through rotations and kills, on PostgreSQL and Redis: none refused, none lost."""

import asyncio
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from journal_keys import InfisicalSecretsClient
from journal_keys.entrypoints.settings import Settings
from tests.proof.fleet_under_load import Fleet
from tests.proof.homes import Rested, make_home, rest_home
from tests.proof.load import SECRET, VALUE
from tests.proof.load_tally import LoadTally
from tests.proof.verdict import Verdict
from tests.proof.wrong_designs import Design, as_built
from tests.support.crew import prepared
from tests.support.embedded import settings_in
from tests.support.postgres_server import PostgresServer, running_server
from tests.support.redis_server import RedisServer

_SEED: Final = 20_261_126
_SHORT: Final[Mapping[str, object]] = {
    "journal_keys_profile": "standard",
    "journal_jwks_max_age": 1,
    "journal_infisical_cache_ttl": 2,
    "journal_ledger_poll": 1,
    "journal_reconcile_interval": 1,
    "journal_clock_skew": 0.5,
    "journal_instance_expiry": 5,
    "journal_jwt_longest_token": 60,
    "journal_jwt_leeway": 0,
}
"""W1 is 3.5 s and W2 63.5 s, so that the long form sees keys destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much is to be made, of tokens and of ciphertexts, and how often the rings are to rotate at least."""

    each: int
    rotations: int
    asks: float = 1 / 4
    """In which part of its turns an instance asks for a rotation."""


ORDINARY: Final = Amount(each=50_000, rotations=5)
NIGHTLY: Final = Amount(each=1_000_000, rotations=20)


def run(*, nightly: bool, each: int = ORDINARY.each, rotations: int = ORDINARY.rotations) -> Verdict:
    """Put four instances under load until that much has been made and read."""
    with running_server() as postgres, RedisServer() as redis:
        tally = put_under_load(NIGHTLY if nightly else Amount(each=each, rotations=rotations), postgres, redis)
    return Verdict(lines=tally.lines, holds=tally.holds)


def put_under_load(
    amount: Amount, postgres: PostgresServer, redis: RedisServer, *, design: Design = as_built, longest_s: float = 3_600
) -> LoadTally:
    """Make a ledger and rings, let the fleet run, bring all to rest, and count. Redis is killed meanwhile."""
    with tempfile.TemporaryDirectory(prefix="journal-keys-load-") as folder:
        settings = _settings(Path(folder), postgres, redis)
        context = prepared()
        make_home(context, settings)
        asyncio.run(_store_secret(settings))
        dice = random.Random(_SEED)
        fleet = Fleet(context=context, settings=settings, design=design, redis=redis, dice=dice, asks=amount.asks)
        try:
            _run(fleet, amount, longest_s)
        finally:
            fleet.end()
        return _judged(fleet.tally, rest_home(context, settings))


def _settings(folder: Path, postgres: PostgresServer, redis: RedisServer) -> Settings:
    url = asyncio.run(postgres.database())
    return settings_in(folder, **_SHORT, journal_db_url_async=url, journal_redis_url=SecretStr(redis.url))


async def _store_secret(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        await client.store_secret(SECRET, VALUE)


def _run(fleet: Fleet, amount: Amount, longest_s: float) -> None:
    fleet.start()
    ends_s = time.monotonic() + longest_s
    strike_s = time.monotonic() + 2
    while time.monotonic() < ends_s and not _is_enough(fleet, amount):
        fleet.step(makes=True)
        if time.monotonic() >= strike_s:
            strike_s = time.monotonic() + fleet.dice.uniform(1, 4)
            _strike(fleet)
    fleet.release_all()
    while not fleet.is_done:
        fleet.step(makes=False)


def _is_enough(fleet: Fleet, amount: Amount) -> bool:
    """Whether that much is made, or the first trouble says all."""
    tally = fleet.tally
    is_much = min(tally.tokens, tally.ciphertexts) >= amount.each and fleet.asked > amount.rotations
    return is_much or not tally.is_clean


def _strike(fleet: Fleet) -> None:
    match fleet.dice.randrange(4):
        case 0 | 1:
            fleet.kill_one()
        case 2:
            fleet.kill_redis(fleet.dice.uniform(0.2, 2))
        case _:
            fleet.stop_one(fleet.dice.uniform(0.5, 4))


def _judged(tally: LoadTally, rested: Rested) -> LoadTally:
    tally.rotations = min((len(rest.promotions) for rest in rested.rests), default=0)
    tally.wrongs += [*rested.troubles, *(wrong for rest in rested.rests for wrong in rest.wrongs)]
    return tally
