"""What many instances ask of the ledger, and when a promotion that waits for one of them is decided."""

import asyncio
from typing import Final

from tests.proof.connected_fleet import ConnectedFleet, connect
from tests.proof.fleet_at_large import live
from tests.proof.simulated_fleet import SimulatedFleet
from tests.proof.verdict import Verdict
from tests.support.postgres_server import PostgresServer, running_server

SIMULATED: Final = 300
SIMULATED_NIGHTLY: Final = 1_000
CONNECTED: Final = 100


def run(*, nightly: bool, simulated: int = SIMULATED) -> Verdict:
    """Let some live on a virtual clock, and others on a PostgreSQL with a connection each."""
    at_large = live_simulated(SIMULATED_NIGHTLY if nightly else simulated)
    with running_server() as server:
        at_home = live_connected(server)
    holds = at_large.holds and at_home.holds
    word = "all within bounds, promotions within one poll" if holds else "not all within bounds"
    told = f"fleet: {at_large.lines[0]}, {at_home.lines[0]}, {word}"
    return Verdict(lines=(*at_large.lines, *at_home.lines, told), holds=holds)


def live_simulated(count: int) -> Verdict:
    """Let so many live on a virtual clock."""
    life = live(count, SimulatedFleet())
    return Verdict(lines=(f"{count} simulated instances", *life.lines, *life.wrongs), holds=not life.wrongs)


def live_connected(server: PostgresServer) -> Verdict:
    """Let a hundred live on this server."""
    with asyncio.Runner(debug=False) as runner:
        fleet: ConnectedFleet = runner.run(connect(CONNECTED, server))
    return Verdict(lines=(f"{CONNECTED} connected instances", *fleet.lines, *fleet.wrongs), holds=not fleet.wrongs)
