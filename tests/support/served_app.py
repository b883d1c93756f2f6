"""An application whose ledger is taken away, locked, or put back, for tests of what becomes of its keys then."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from journal_keys.adapters.sql.failures import TooSlowError
from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import AlreadyRotated, Rotated, RotationOutcome, Waiting
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.support.embedded import make_rings, settings_in
from tests.support.postgres_server import PostgresServer

TEXT: Final = "a client's token"
W1_S: Final = 0.65
ANSWER_S: Final = 2.0
LOCK_S: Final = 0.5


def quick_settings(folder: Path, **changes: object) -> Settings:
    """Settings under which W1 is 0.65 s, and a busy machine's pauses refuse nothing."""
    quick = {
        "journal_jwks_max_age": 0.2,
        "journal_infisical_cache_ttl": 0.6,
        "journal_sign_max_stale": 60,
        "journal_ledger_poll": 0.05,
        "journal_clock_skew": 0,
        "journal_jwt_longest_token": 600,
    }
    return settings_in(folder, **(quick | changes))


async def made_rings(server: PostgresServer, folder: Path, *, has_tables: bool = True) -> Settings:
    """Make rings in a new database, and its tables where it has none yet."""
    url = await (server.database() if has_tables else server.empty_database())
    settings = quick_settings(folder, journal_db_url_async=url)
    await make_rings(settings)
    return settings


async def _rotated(container: Container, family: Family, request: RotationRequest) -> RotationOutcome:
    """Ask until the machine is quick enough for a ledger whose clocks have no skew."""
    while True:
        with suppress(TooSlowError):
            return await container.rotate_keys()(family, request)


async def rotate_both(container: Container, rotation_id: str) -> None:
    """Rotate both rings once they may be, however long that takes."""
    request = RotationRequest(rotation_id=rotation_id, scope="both", force=True, reason="a test", actor="ops")
    for family in Family:
        async with asyncio.timeout(60):
            while isinstance(outcome := await _rotated(container, family, request), Waiting):  # noqa: ASYNC110
                await asyncio.sleep(W1_S / 4)
        assert isinstance(outcome, Rotated | AlreadyRotated)


@asynccontextmanager
async def impatient(settings: Settings, port: int, *, connections: int = 5) -> AsyncIterator[AsyncEngine]:
    """An engine of the application's own, that gives up sooner than ours."""
    engine = create_async_engine(
        make_url(settings.ledger_url).set(port=port),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=LOCK_S,
        connect_args={
            "timeout": ANSWER_S,
            "command_timeout": ANSWER_S,
            "server_settings": {"lock_timeout": f"{LOCK_S * 1000:.0f}ms"},
        },
    )
    try:
        yield engine
    finally:
        await engine.dispose()


@dataclass(frozen=True, kw_only=True)
class App:
    """An application whose ledger is behind the proxy, and what it made before anything went wrong."""

    container: Container
    engine: AsyncEngine
    token: str
    ciphertext: str

    async def rotate(self, rotation_id: str) -> None:
        """Rotate both rings once they may be.

        Raises:
            LedgerError: as the ledger says.
        """
        await rotate_both(self.container, rotation_id)

    def serves(self) -> bool:
        """Whether what was made before is verified and decrypted, without any I/O."""
        claims = self.container.verifier().verify(self.token)
        return claims["sub"] == "alice" and self.container.cipher().decrypt(self.ciphertext) == TEXT

    async def is_sound(self) -> bool:
        """Whether a pass of reconcile leaves nothing to do, each id promoted once, and the chain is whole."""
        for family in Family:
            await self.container.reconcile()(family)
        await self.container.verify_audit()()
        entries = await self.container.trail().entries(after=0, limit=10_000)
        promoted = Counter(
            (entry.fact.family, entry.fact.detail["rotation_id"])
            for entry in entries
            if entry.fact.action == "key_promoted" and "rotation_id" in entry.fact.detail
        )
        await self.container.refresh_views()()
        return set(promoted.values()) <= {1} and self.serves()


@asynccontextmanager
async def running(settings: Settings, engine: AsyncEngine) -> AsyncIterator[App]:
    async with open_container(settings, engine=engine) as container:
        await container.refresh_views()()
        yield App(
            container=container,
            engine=engine,
            token=container.signer().sign({"sub": "alice"}),
            ciphertext=container.cipher().encrypt(TEXT),
        )
