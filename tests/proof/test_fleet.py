"""Many instances ask the ledger no more than their settings say, and no promotion waits for longer than a poll."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.container import Container
from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.ledger import LedgerPage
from tests.proof.connected_fleet import connect
from tests.proof.fleet import SIMULATED, live_connected, live_simulated
from tests.proof.fleet_at_large import live
from tests.proof.simulated_fleet import AskedLedger, SimulatedFleet, most_within
from tests.proof.wrong_designs import Design, without_waiting_to_promote
from tests.support.postgres_server import PostgresServer

pytestmark = [pytest.mark.timeout(600), pytest.mark.no_cover]

FEW = 40


def test_simulated_instances_stay_within_their_bounds_through_start_rest_rotations_and_a_death() -> None:
    verdict = live_simulated(SIMULATED)
    assert verdict.holds, "\n".join(verdict.lines)


@pytest.mark.processes
def test_a_hundred_connected_instances_stay_within_their_bounds_through_a_rotation(postgres: PostgresServer) -> None:
    verdict = live_connected(postgres)
    assert verdict.holds, "\n".join(verdict.lines)


class InStep(Entropy):
    """Everybody draws the same: no jitter."""

    def token(self, size: int) -> bytes:
        return bytes(size)


class DeadCount(AskedLedger):
    """Reports count for ever."""

    def _live(self, now: datetime) -> list[Instance]:
        return super()._live(now - timedelta(days=1))


class NobodyIsBehind(AskedLedger):
    """The gate does not look at reports."""

    async def read(self, family: Family) -> LedgerPage:
        return replace(await super().read(family), behind=())


def in_step(fleet: SimulatedFleet) -> None:
    fleet.entropy = InStep()


def counting(kind: Callable[[Clock, timedelta], AskedLedger]) -> Callable[[SimulatedFleet], None]:
    def chosen(fleet: SimulatedFleet) -> None:
        fleet.ledger_kind = kind

    return chosen


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(in_step, "at rest, looks in the worst second", id="nobody draws how long to rest"),
        pytest.param(in_step, "jwt, hinted: worst tenth", id="all look at the moment of a hint"),
        pytest.param(counting(DeadCount), "from the dead one's expiry", id="reports that expired count"),
        pytest.param(counting(NobodyIsBehind), "one was behind, and yet it was Rotated", id="no gate"),
    ],
)
def test_the_simulation_catches(spoil: Callable[[SimulatedFleet], None], said: str) -> None:
    fleet = SimulatedFleet()
    spoil(fleet)
    life = live(FEW, fleet)
    assert any(said in wrong for wrong in life.wrongs), "\n".join([*life.lines, *life.wrongs])


class AlwaysHinted(MemoryHintBus):
    """Every wait ends with a hint that nobody gave."""

    async def wait(self, timeout_s: float) -> bool:  # noqa: ARG002 (as in the port)
        return True


def looking_all_the_time(container: Container) -> None:
    container.hints.override(AlwaysHinted())


@pytest.mark.processes
@pytest.mark.parametrize(
    ("design", "said"),
    [
        pytest.param(looking_all_the_time, "looks, more than", id="looks without rest"),
        pytest.param(without_waiting_to_promote, "one was behind, and yet", id="no gate"),
    ],
)
def test_the_count_at_the_server_catches(postgres: PostgresServer, design: Design, said: str) -> None:
    with asyncio.Runner(debug=False) as runner:
        fleet = runner.run(connect(8, postgres, design=design))
    assert any(said in wrong for wrong in fleet.wrongs), "\n".join([*fleet.lines, *fleet.wrongs])


def test_the_most_within_a_span_is_counted_wherever_the_span_begins() -> None:
    assert most_within([0.0, 0.9, 1.0, 1.1, 1.85, 3.0], 1) == 4
    assert most_within([], 1) == 0
