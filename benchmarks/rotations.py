"""Signing while another process rotates: the slowest hundredth, beside that of a time at rest.

Measured is the processor time of the process that signs: those that rotate, keep the ledger and pass on hints have
hosts of their own elsewhere.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from benchmarks.timing import Row, row
from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Rotated
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.ledger import LedgerPage
from journal_keys.use_cases.rotate_keys import RotateKeys
from tests.support.crew import Child, Line, crew, prepared, run_plainly
from tests.support.embedded import make_rings, settings_in
from tests.support.passing_ledger import PassingLedger
from tests.support.postgres_server import running_server
from tests.support.redis_server import RedisServer

ROUNDS: Final = 16
ROUND_S: Final = 2.0
"""Of processor time: enough for a rotation of both rings, its hints, and what a process does because of them."""

SHARES: Final = {"p99": 0.99, "p99.9": 0.999}
_MOMENT: Final = timedelta(microseconds=1)


def rotation_rows() -> list[Row]:
    """Time the façade's `sign` with ledger on PostgreSQL and hints over Redis, as one of several instances has them."""
    with tempfile.TemporaryDirectory() as folder, running_server() as postgres, RedisServer() as redis:
        settings = settings_in(
            Path(folder),
            journal_keys_profile="standard",
            journal_infisical_cache_ttl=300,
            journal_db_url_async=asyncio.run(postgres.database()),
            journal_redis_url=SecretStr(redis.url),
        )
        asyncio.run(make_rings(settings))
        with crew(prepared(), rotate_when_told, (settings,)) as (rotator,):
            return asyncio.run(_rows(settings, rotator))


async def _rows(settings: Settings, rotator: Child) -> list[Row]:
    async with InfisicalSecretsClient(settings) as client, InfisicalKeyManager(client=client) as manager:
        return await _compared(manager, await client.container(), rotator)


async def _compared(manager: InfisicalKeyManager, container: Container, rotator: Child) -> list[Row]:
    during: list[list[float]] = []
    resting: list[list[float]] = []
    await _signed(manager)
    for turn in range(ROUNDS):
        if turn % 2:
            resting.append(await _signed(manager))
        rotator.tell("rotate")
        during.append(await _signed(manager))
        _check_followed(container, rotator.hear())
        if not turn % 2:
            resting.append(await _signed(manager))
    return [
        row(
            f"sign, {name} while another process rotates",
            [_at(share, times) for times in during],
            [_at(share, times) for times in resting],
            target=1.1 if name == "p99" else None,
        )
        for name, share in SHARES.items()
    ]


def _at(share: float, times: list[float]) -> float:
    return sorted(times)[int(share * len(times))]


async def _signed(manager: InfisicalKeyManager) -> list[float]:
    """Sign again and again, each time after one pass of the loop, in which whatever else is due runs, and time both."""
    times: list[float] = []
    now = time.process_time
    ends_s = now() + ROUND_S
    while now() < ends_s:
        for _ in range(20):
            start_s = now()
            await asyncio.sleep(0)
            (await manager.signer()).sign({"sub": "alice"})
            times.append(now() - start_s)
    return times


def _check_followed(container: Container, rotated: Mapping[Family, int]) -> None:
    """Refuse to have measured a rotation that this process has not taken note of."""
    signing, cipher = container.board().signing, container.board().cipher
    shown = {Family.JWT: signing and signing.ring.generation, Family.AES: cipher and cipher.ring.generation}
    if shown != rotated:
        raise ValueError(f"the rings are at {rotated}, and {shown} is shown: the machine is too busy to measure this")


def rotate_when_told(settings: Settings, line: Line) -> None:
    """Rotate both rings for each word that comes, and answer with the generations that they have then."""
    run_plainly(_rotate_when_told(settings, line))


async def _rotate_when_told(settings: Settings, line: Line) -> None:
    async with open_container(settings) as container:
        await container.refresh_views()()  # the keys of hints are derived from a ring
        rotate = _without_waits(container)
        while await asyncio.to_thread(line.recv):
            line.send({family: await _rotated(rotate, family) for family in Family})


def _without_waits(container: Container) -> RotateKeys:
    """A rotation for which nobody waits: what it costs others is measured, and not whether they can follow."""
    built = container.rotate_keys()
    hasty = replace(
        container.windows(),
        jwks_max_age=_MOMENT,
        view_ttl=2 * _MOMENT,
        poll=_MOMENT,
        skew=_MOMENT * 0,
        sign_max_stale=2 * _MOMENT,
    )
    return replace(built, windows=hasty, ledger=_Unheld(ledger=built.ledger))


class _Unheld(PassingLedger):
    """Nobody is behind."""

    async def read(self, family: Family) -> LedgerPage:
        return replace(await self.ledger.read(family), behind=())


async def _rotated(rotate: RotateKeys, family: Family) -> int:
    number = time.monotonic_ns()
    request = RotationRequest(
        rotation_id=f"{family}-{number}", scope=family.value, force=True, reason="a benchmark", actor="benchmark"
    )
    outcome = await rotate(family, request)
    if not isinstance(outcome, Rotated):
        raise TypeError(f"the rotation was {type(outcome).__name__}")
    return (await rotate.ledger.heads())[family].generation
