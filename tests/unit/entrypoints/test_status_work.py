"""Looks of a watched status: whose moment is whose, and what stays where the ledger is away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

from dependency_injector import providers

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.cli.status_work import Found, Looks, _once
from journal_keys.entrypoints.health_looks import HealthLooks, Look
from journal_keys.entrypoints.resources import open_container
from journal_keys.use_cases.check_health import Health, HealthStatus, PartHealth
from tests.support.embedded import make_rings, settings_in
from tests.support.world import START

SLOW = timedelta(seconds=5)
FINE = PartHealth(status=HealthStatus.HEALTHY)
LOST = PartHealth(status=HealthStatus.UNHEALTHY, reason="the vault is gone")


@dataclass
class SlowHealth:
    """Takes five seconds."""

    clock: ManualClock
    store: PartHealth = FINE

    async def __call__(self) -> Look:
        self.clock.pass_time(SLOW)
        return Look(health=Health(rings=dict.fromkeys(Family, FINE), store=self.store, at=START), at=START)


@dataclass
class Watched:
    clock: ManualClock
    health: SlowHealth
    looks: Looks


@asynccontextmanager
async def watching(tmp_path: Path) -> AsyncIterator[Watched]:
    await make_rings(settings := settings_in(tmp_path))
    async with open_container(settings) as container:
        clock = ManualClock(START)
        container.clock.override(providers.Object(clock))
        health = SlowHealth(clock)
        looks = Looks(container=container, health=cast("HealthLooks", health), reports=False, service=None)
        yield Watched(clock, health, looks)


def store_of(found: Found) -> PartHealth | None:
    return found.sight.health.store if found.sight.health else None


async def test_slow_health_is_no_difference_of_clocks(tmp_path: Path) -> None:
    async with watching(tmp_path) as watched:
        asked_s = watched.clock.uptime_s()
        found = await watched.looks()
    assert (found.at_s, found.report_s, found.sight.at) == (asked_s, asked_s, START)
    assert watched.clock.uptime_s() == asked_s + SLOW.total_seconds()


async def test_without_the_ledger_its_last_report_stays_and_ages_while_health_is_asked_again(tmp_path: Path) -> None:
    async with watching(tmp_path) as watched:
        first = await watched.looks()
        watched.health.store = LOST
        watched.clock.pass_time(SLOW)
        found = first
        for _ in range(3):
            found = await watched.looks.without_ledger("no answer", found)
    assert first.sight.report is not None
    assert (found.sight.report, found.report_s) == (first.sight.report, first.report_s)
    assert (store_of(first), store_of(found)) == (FINE, LOST)
    gone = timedelta(seconds=found.at_s - first.at_s)
    assert gone == 4 * SLOW
    assert found.page(found.at_s).at.at == first.sight.report.at + gone
    assert found.page(found.at_s).failure == "no answer"


async def test_what_was_never_seen_is_not_there(tmp_path: Path) -> None:
    async with watching(tmp_path) as watched:
        found = await watched.looks.without_ledger("no answer", None)
    assert found.sight.report is None
    assert found.page(found.at_s).audit.empty == "Not known."


def test_an_end_is_asked_for_once() -> None:
    calls: list[int] = []
    end = _once(lambda: calls.append(1))
    for _ in range(3):
        end()
    assert calls == [1]
