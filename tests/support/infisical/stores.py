"""Stores over a binary and a stand-in server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from journal_keys.adapters.infisical_cli.connection import ClientCredentials, Connection, Identity, Target
from journal_keys.adapters.infisical_cli.opening import Opened, open_store
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.material import KeyMaterial
from tests.support.infisical import identities
from tests.support.infisical.server import InfisicalServer

PLENTY = 1_000_000


def connection(server: InfisicalServer, binary: Path, identity: Identity | None = None, **changes: Any) -> Connection:  # noqa: ANN401 (fields of any type)
    """How to reach the server as its owner, or as somebody else; patient tests are slow, so this one is not."""
    made = Connection(
        target=Target(domain=server.url, project_id=server.project_id, environment="dev"),
        identity=identity or KeyMaterial(server.token().encode()),
        cli_path=binary,
        timeout_s=20,
        retries=2,
        retry_delay_s=0.01,
        requests_per_minute=PLENTY,
    )
    return replace(made, **changes)


def credentials(identity: identities.Identity) -> ClientCredentials:
    """What this identity logs in with."""
    return ClientCredentials(client_id=identity.client_id, client_secret=KeyMaterial(identity.client_secret.encode()))


@asynccontextmanager
async def opened(reached: Connection) -> AsyncIterator[Opened]:
    """Open the store."""
    async with open_store(reached, SystemClock(), SystemEntropy()) as made:
        yield made
