"""Eight processes contest every generation of one ring on PostgreSQL: each has one winner, and none is lost."""

import asyncio
from typing import Final

from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.system.clock import SystemClock
from tests.proof.verdict import Verdict
from tests.support.ledger_contract import SKEW
from tests.support.ledger_race import race_for_generations
from tests.support.postgres_server import PostgresServer, running_server

PROCESSES: Final = 8
GENERATIONS: Final = 200
NIGHTLY: Final = 10_000


def run(*, nightly: bool, generations: int = GENERATIONS) -> Verdict:
    """Contest 200 generations, or 10,000."""
    if nightly:
        generations = NIGHTLY
    try:
        with running_server() as server:
            asyncio.run(_contest(server, generations))
    except AssertionError as wrong:
        return Verdict(lines=(f"wrong: {wrong}", "contests: not each generation had one winner"), holds=False)
    told = (
        f"contests: {generations} generations x {PROCESSES} processes on PostgreSQL, {generations} winners, none lost"
    )
    return Verdict(lines=(told,), holds=True)


async def _contest(server: PostgresServer, generations: int) -> None:
    url = await server.database()
    async with ledger_engine(url) as engine:
        ledger = SqlLedger(engine, SystemClock(), SKEW)
        await race_for_generations(ledger, url, processes=PROCESSES, generations=generations)
