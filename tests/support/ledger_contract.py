"""What the contract tests of ledger, audit trail and key usage share: adapters, a clock to turn, changes to make."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.sql.schema import upgrade
from journal_keys.domain import base64url, rotation
from journal_keys.domain.changes import (
    AuditFact,
    RingChange,
    RotationRecord,
    RotationRequest,
    RotationStatus,
    Transition,
)
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.clock import Clock
from journal_keys.ports.clock_keeper import ClockKeeper
from journal_keys.ports.fleet import Fleet
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.ledger_archive import LedgerArchive
from journal_keys.ports.replies import Replies
from journal_keys.ports.webhook_inbox import WebhookInbox
from journal_keys.ports.webhook_secrets import WebhookSecrets
from tests.support.postgres_server import PostgresServer

START: Final = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
SKEW: Final = timedelta(seconds=60)
YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One ledger through its nine ports."""

    ledger: Ledger
    trail: AuditTrail
    usage: KeyUsage
    keeper: ClockKeeper
    fleet: Fleet
    inbox: WebhookInbox
    secrets: WebhookSecrets
    replies: Replies
    archive: LedgerArchive

    @classmethod
    def of(cls, ledger: MemoryLedger | SqlLedger) -> Self:
        """The same object behind each."""
        return cls(
            ledger=ledger,
            trail=ledger,
            usage=ledger,
            keeper=ledger,
            fleet=ledger,
            inbox=ledger,
            secrets=ledger,
            replies=ledger,
            archive=ledger,
        )


PortsFactory: TypeAlias = Callable[[Path, Clock], AbstractAsyncContextManager[Ports]]


@asynccontextmanager
async def in_memory(_folder: Path, clock: Clock) -> AsyncIterator[Ports]:
    ledger = MemoryLedger(clock, SKEW)
    yield Ports.of(ledger)


@asynccontextmanager
async def in_sqlite(folder: Path, clock: Clock) -> AsyncIterator[Ports]:
    async with ledger_engine(f"sqlite+aiosqlite:///{folder}/ledger/ledger.db") as engine:
        await upgrade(engine)
        ledger = SqlLedger(engine, clock, SKEW)
        yield Ports.of(ledger)


@asynccontextmanager
async def in_postgresql(_folder: Path, clock: Clock, server: PostgresServer | None = None) -> AsyncIterator[Ports]:
    assert server is not None, "the fixture gives the server"
    async with ledger_engine(await server.database()) as engine:
        turn_server_clock(engine, clock)
        ledger = SqlLedger(engine, clock, SKEW)
        yield Ports.of(ledger)


def turn_server_clock(engine: AsyncEngine, clock: Clock) -> None:
    """Let the server's clock, which nobody can set for a test, read what this one's wall reads."""

    def with_our_time(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> Any:  # noqa: ANN401
        return statement.replace("clock_timestamp()", f"timestamptz '{clock.read().wall.isoformat()}'"), parameters

    event.listen(engine.sync_engine, "before_cursor_execute", with_our_time, retval=True)


FACTORIES: Final = (
    pytest.param(in_memory, id="in memory"),
    pytest.param(in_sqlite, id="in a SQLite file"),
    pytest.param(in_postgresql, id="in PostgreSQL"),
)

CAUSE: Final = rotation.Cause(at=START, actor="ops@example.org", reason="it was time — Größe 1")


def key(family: Family, number: int, *, at: datetime = START) -> KeyVersion:
    """A PRE_ACTIVATION key that differs from every other number's."""
    of_jwt = family is Family.JWT
    point = base64url.encode(number.to_bytes(32, "big"))
    return KeyVersion(
        kid=Kid(f"{family.value}_{number:04d}"),
        family=family,
        algorithm=Algorithm.EDDSA if of_jwt else Algorithm.A256GCM,
        digest=f"{number:064x}",
        public_jwk=PublicJwk.from_members({"kty": "OKP", "crv": "Ed25519", "x": point}) if of_jwt else None,
        state=KeyState.PRE_ACTIVATION,
        created_at=at - timedelta(microseconds=1),
        published_at=at,
    )


def founding(family: Family = Family.JWT) -> RingChange:
    """The ring of keys 1 (ACTIVE) and 2 (staged)."""
    return rotation.found(key(family, 1), key(family, 2), CAUSE)


def every_state(family: Family) -> KeyRing:
    """A ring with a version in each state, each published an hour before the next."""
    hour = timedelta(hours=1)
    ages = {number: key(family, number, at=START - (9 - number) * hour) for number in range(1, 6)}
    active = [ages[n].moved_to(KeyState.ACTIVE, ages[n].published_at + hour) for n in (1, 2, 3, 4)]
    gone = active[0].moved_to(KeyState.DEACTIVATED, START).moved_to(KeyState.COMPROMISED, START + hour)
    versions = (
        gone.moved_to(KeyState.DESTROYED, START + 2 * hour),
        active[1].moved_to(KeyState.COMPROMISED, START),
        active[2].moved_to(KeyState.DEACTIVATED, START),
        active[3],
        ages[5],
    )
    return KeyRing(family=family, generation=41, changed_at=START, versions=versions)


def record(rotation_id: str = "nightly-7", family: Family = Family.JWT, *, at: datetime = START) -> RotationRecord:
    """A WAITING rotation."""
    request = RotationRequest(rotation_id=rotation_id, scope="both", force=True, reason="it was time", actor="ops")
    return RotationRecord(request=request, family=family, status=RotationStatus.WAITING, opened_at=at)


def opened(ring: KeyRing, rotation_id: str = "nightly-7") -> RingChange:
    """The change that records the intent to rotate."""
    return rotation.open_rotation(ring, record(rotation_id, ring.family), CAUSE)


def moved_on(ring: KeyRing) -> RingChange:
    """The smallest change: the next generation, and a fact that says so."""
    return RingChange(ring=replace(ring, generation=ring.generation + 1), facts=(fact("moved_on"),))


def at_once(change: RingChange) -> Transition:
    """A transition that keeps the change's own times."""
    return lambda _at: change


def too_late(change: RingChange) -> RingChange:
    """The same change, made after a generation that never was."""
    return replace(change, ring=replace(change.ring, generation=change.ring.generation + 1))


def fact(action: str = "backup_written", **detail: str) -> AuditFact:
    """A fact that changes no ring."""
    return AuditFact(at=START, actor="ops", action=action, family=None, kid=None, reason="nightly", detail=detail)
