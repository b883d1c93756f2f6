"""Twenty instances behind one address start at once before a server that allows sixty secret reads a minute."""

import asyncio
import time
from pathlib import Path

import pytest

from journal_keys.adapters.infisical_cli.opening import open_store
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.paths import MARKER_NAME, SecretPath
from tests.support.infisical.eras import Era
from tests.support.infisical.hurry import HurriedClock, HurriedLoop
from tests.support.infisical.programs import a_binary
from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.stores import connection, credentials

pytestmark = pytest.mark.processes
INSTANCES = 20
FOLDERS = [SecretPath.parse(f"/auth/{family}/versions") for family in ("jwt", "aes")] + [
    SecretPath.parse("/database"),
    SecretPath.parse("/infrastructure"),
]
"""What an instance reads when it starts: both rings, and the folders that its first requests ask for."""

PACE = 3.0
TWO_MINUTES_S = 120.0


async def _start(server: InfisicalServer, binary: Path, began_s: float) -> float:
    clock = HurriedClock(PACE)
    reached = connection(
        server, binary, credentials(server.owner), requests_per_minute=50, retries=3, retry_delay_s=1.0
    )
    async with open_store(reached, clock, SystemEntropy()) as opened:
        contents = await asyncio.gather(*(opened.store.read_folder(folder) for folder in FOLDERS))
        assert all(content.is_marked for content in contents)
        return clock.uptime_s() - began_s


async def _crowd(server: InfisicalServer, binary: Path) -> list[float]:
    began_s = HurriedClock(PACE).uptime_s()
    return list(await asyncio.gather(*(_start(server, binary, began_s) for _ in range(INSTANCES))))


def test_all_are_ready_within_two_minutes_and_nobody_is_locked_out(tmp_path: Path) -> None:
    with InfisicalServer(era=Era.JULY_2024, clock=lambda: time.time() * PACE, reads_per_minute=60) as server:
        for folder in FOLDERS:
            server.seed(str(folder), {MARKER_NAME: "journal_keys/1"})
        with asyncio.Runner(loop_factory=lambda: HurriedLoop(PACE)) as runner:
            ready_after_s = runner.run(_crowd(server, a_binary(tmp_path)))
        refused = [seen.status for seen in server.requests].count(429)
        logins = server.registry.logins
    assert len(ready_after_s) == INSTANCES
    assert max(ready_after_s) < TWO_MINUTES_S
    assert refused > 0
    assert refused < INSTANCES * len(FOLDERS)
    assert logins == INSTANCES
