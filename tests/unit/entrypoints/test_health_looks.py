"""Health is looked at once for all who ask, for no longer than it may take, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.store_condition import NoTrouble
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.health_looks import HealthLooks
from journal_keys.entrypoints.resources import Stores, build_container
from journal_keys.ports.secret_store import FolderContent
from journal_keys.use_cases.check_health import HealthStatus
from tests.support.embedded import init_all, settings_in

WITHIN_S = 0.3
LONG = timedelta(minutes=10)
SHORT = timedelta(seconds=0.05)
ONE_LOOK = 2
"""Folders that are read."""


@dataclass
class Probe(MemorySecretStore):
    """Counts who reads; a read takes a moment, or has no end, and then may not even listen when it is cancelled."""

    hangs: bool = False
    deaf_to: int = 0
    reads: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__init__()

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        self.reads += 1
        await asyncio.sleep(0.01)
        while self.hangs:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if not self.deaf_to:
                    raise
                self.deaf_to -= 1
        return await super().read_folder(folder)


@asynccontextmanager
async def looking(folder: Path, probe: Probe, counts_for: timedelta) -> AsyncIterator[HealthLooks]:
    settings, clock = settings_in(folder), SystemClock()
    stores = Stores(store=probe, probe=probe, condition=NoTrouble())
    container = build_container(settings, stores, MemoryLedger(clock, settings.windows().skew))
    hangs, probe.hangs = probe.hangs, False
    await init_all(container)
    probe.hangs, probe.reads = hangs, 0
    within = timedelta(seconds=WITHIN_S)
    async with HealthLooks(container=container, within=within, counts_for=counts_for) as looks:
        yield looks


def looks_under_way() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "journal_keys health"]


async def test_two_hundred_callers_at_once_cost_one_look_and_so_does_who_comes_soon_after(tmp_path: Path) -> None:
    async with looking(tmp_path, probe := Probe(), LONG) as looks:
        found = await asyncio.gather(*(looks() for _ in range(200)))
        found += [await looks() for _ in range(3)]
        assert probe.reads == ONE_LOOK
        assert len({id(look) for look in found}) == 1
        assert found[0].health is not None
        assert found[0].health.overall is HealthStatus.HEALTHY


async def test_a_look_counts_for_its_time_and_then_another_is_made(tmp_path: Path) -> None:
    async with looking(tmp_path, probe := Probe(), SHORT) as looks:
        first = await looks()
        await asyncio.sleep(SHORT.total_seconds() * 1.5)
        second = await looks()
    assert probe.reads == 2 * ONE_LOOK
    assert first.at < second.at


async def test_a_probe_that_never_answers_costs_each_caller_the_bound_and_leaves_no_task_behind(tmp_path: Path) -> None:
    async with looking(tmp_path, probe := Probe(hangs=True), SHORT) as looks:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        found = await asyncio.gather(*(looks() for _ in range(50)))
        assert WITHIN_S * 0.9 < loop.time() - begun_s < WITHIN_S * 4
        assert {look.health for look in found} == {None}
        async with asyncio.timeout(WITHIN_S * 4):
            while looks_under_way():  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.01)
        assert probe.reads == 1
        await asyncio.sleep(SHORT.total_seconds() * 1.5)
        probe.hangs = False
        assert (await looks()).health is not None


async def test_a_look_that_does_not_even_end_when_it_is_cancelled_is_not_followed_by_another(tmp_path: Path) -> None:
    async with looking(tmp_path, probe := Probe(hangs=True, deaf_to=1), SHORT) as looks:
        assert (await looks()).health is None
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        found = [await looks() for _ in range(5)]
        assert loop.time() - begun_s < WITHIN_S, "nobody waits once more for what is late"
        assert {look.health for look in found} == {None}
        assert (probe.reads, len(looks_under_way())) == (1, 1)
    assert looks_under_way() == []


async def test_who_hangs_up_takes_the_look_from_nobody(tmp_path: Path) -> None:
    async with looking(tmp_path, probe := Probe(), LONG) as looks:
        first = asyncio.create_task(looks())
        await asyncio.sleep(0)
        second = asyncio.create_task(looks())
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).health is not None
        assert (probe.reads, first.cancelled()) == (ONE_LOOK, True)


async def test_a_failure_that_nobody_foresaw_is_told_to_who_asked_and_not_kept(tmp_path: Path) -> None:
    class Broken(Probe):
        async def read_folder(self, folder: SecretPath) -> FolderContent:
            if self.reads == 0 and self.hangs:
                self.hangs = False
                raise ZeroDivisionError
            return await super().read_folder(folder)

    async with looking(tmp_path, Broken(hangs=True), LONG) as looks:
        with pytest.raises(ZeroDivisionError):
            await looks()
        assert (await looks()).health is not None
