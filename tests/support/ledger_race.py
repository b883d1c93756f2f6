"""Processes that contest the generations of one ring."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.domain.keys import Family
from journal_keys.use_cases.verify_audit import VerifyAudit
from tests.support.ledger_contract import at_once, founding

_REPOSITORY: Final = Path(__file__).parents[2]


async def race_for_generations(ledger: SqlLedger, url: str, *, processes: int, generations: int = 50) -> None:
    """Found the ring, let processes move it on, and judge: one winner each, none lost, the chain whole."""
    await ledger.commit(at_once(founding()))
    last = generations + 1
    racer = [sys.executable, "-m", "tests.support.ledger_racer", url, str(last)]
    with ExitStack() as stack:
        racers = [stack.enter_context(_start(racer)) for _ in range(processes)]
        for one in racers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        told = [json.loads(one.communicate("go\n", timeout=60 + generations)[0]) for one in racers]
    assert sorted(won for one in told for won in one["won"]) == list(range(2, last + 1))
    assert (await ledger.heads())[Family.JWT].generation == last
    assert (await VerifyAudit(trail=ledger)()).sequence == len(founding().facts) + generations


def _start(argv: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(argv, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
