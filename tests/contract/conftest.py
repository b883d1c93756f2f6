"""The ledger behind every port that it serves, in each of its adapters, on a clock to turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.key_usage import KeyUsage
from tests.support.ledger_contract import FACTORIES, START, Ports, PortsFactory


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=FACTORIES)
async def ports(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ports]:
    factory: PortsFactory = request.param
    async with factory(tmp_path, clock) as opened_ports:
        yield opened_ports


@pytest.fixture
def trail(ports: Ports) -> AuditTrail:
    return ports.trail


@pytest.fixture
def usage(ports: Ports) -> KeyUsage:
    return ports.usage
