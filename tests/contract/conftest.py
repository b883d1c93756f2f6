"""The ledger behind every port that it serves, in each of its adapters, on a clock to turn."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.key_usage import KeyUsage
from tests.support.ledger_contract import FACTORIES, START, Ports, PortsFactory, in_postgresql


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=FACTORIES)
def factory(request: pytest.FixtureRequest) -> PortsFactory:
    chosen: PortsFactory = request.param
    if chosen is in_postgresql:
        return partial(in_postgresql, server=request.getfixturevalue("postgres"))
    return chosen


@pytest.fixture
async def ports(factory: PortsFactory, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ports]:
    async with factory(tmp_path, clock) as opened_ports:
        yield opened_ports


@pytest.fixture
def trail(ports: Ports) -> AuditTrail:
    return ports.trail


@pytest.fixture
def usage(ports: Ports) -> KeyUsage:
    return ports.usage
