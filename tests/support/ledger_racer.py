"""One of several processes that move the same ring on: `python -m tests.support.ledger_racer <url> <last generation>`.

Says `ready`, waits for a line, then prints the generations that it won and how often it lost, as JSON.
"""

import asyncio
import json
import sys

from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.domain.keys import Family
from journal_keys.ports.ledger import StaleGenerationError
from tests.support.ledger_contract import SKEW, at_once, moved_on


async def race(ledger: SqlLedger, last: int) -> dict[str, object]:
    won: list[int] = []
    lost = 0
    while (ring := (await ledger.read(Family.JWT)).ring) and ring.generation < last:
        try:
            await ledger.commit(at_once(moved_on(ring)))
            won.append(ring.generation + 1)
        except StaleGenerationError:
            lost += 1
    return {"won": won, "lost": lost}


async def main(url: str, last: int) -> None:
    async with ledger_engine(url) as engine:
        ledger = SqlLedger(engine, SystemClock(), SKEW)
        await ledger.heads()
        print("ready", flush=True)  # noqa: T201
        sys.stdin.readline()
        print(json.dumps(await race(ledger, last)), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
