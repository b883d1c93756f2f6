"""A hundred instances on one PostgreSQL, each with its own container, tasks and connection, through one rotation."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dependency_injector import providers
from sqlalchemy import event, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Engine

from journal_keys.adapters.sql.tables import rings
from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import ReconcileOutcome, Rotated, RotationOutcome, Waiting
from journal_keys.entrypoints.background import Background
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from journal_keys.use_cases.reconcile import Reconcile
from journal_keys.use_cases.rotate_when_due import RotateWhenDue
from tests.proof.wrong_designs import Design, as_built
from tests.support.embedded import make_rings, settings_in, w1_s
from tests.support.postgres_server import PostgresServer

REST_POLLS: Final = 5
LONG_S: Final = 120.0
_SHORT: Final[dict[str, object]] = {
    "journal_keys_profile": "standard",
    "journal_jwks_max_age": 2,
    "journal_infisical_cache_ttl": 4,
    "journal_ledger_poll": 2,
    "journal_clock_skew": 1,
    "journal_instance_expiry": 200,
}
"""W1 is 7 s."""

_LOOK: Final = " ".join(str(select(rings).compile(dialect=postgresql.dialect())).split())  # type: ignore[no-untyped-call]
_PER_REPORT: Final = 3
_PER_PAGE: Final = 5
_PER_TURN: Final = 2 * _PER_PAGE
_PER_WATCH: Final = 19
"""What the service's watcher asks for figures, while the audit trail is as short as here."""
_PER_RECONCILE: Final = 2 * (4 + 7 * _PER_PAGE)
"""What the service's reconciler asks where there is nothing to do: it keeps the clock and reads seven pages a ring."""


@dataclass(slots=True, kw_only=True)
class Turns:
    """The scheduler's question, and how often it was asked for jwt."""

    ask: RotateWhenDue
    begun: int = 0
    last: RotationOutcome | None = None

    async def __call__(self, family: Family) -> RotationOutcome | None:
        if family is not Family.JWT:
            return await self.ask(family)
        self.begun += 1
        self.last = await self.ask(family)
        return self.last


@dataclass(slots=True, kw_only=True)
class Passes:
    """The reconciler's work: jwt is where a pass begins, and aes where it ends."""

    ask: Reconcile
    begun: int = 0
    made: int = 0

    async def __call__(self, family: Family) -> ReconcileOutcome:
        self.begun += family is Family.JWT
        outcome = await self.ask(family)
        self.made += family is Family.AES
        return outcome


@dataclass(kw_only=True)
class ConnectedFleet:
    """All instances: libraries that refresh and report, the last of them the service with its scheduler."""

    settings: Settings
    count: int
    server: PostgresServer
    design: Design = as_built
    lines: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)
    backgrounds: list[Background] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)

    @property
    def observer(self) -> Container:
        """The container of the service."""
        return self.backgrounds[-1].container

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open and start all, end them in order afterwards."""
        async with AsyncExitStack() as stack:
            for number in range(self.count):
                settings = self.settings.model_copy(update={"journal_instance_name": f"web-{number}"})
                container = await stack.enter_async_context(open_container(settings))
                self.design(container)
                background = Background(
                    container=container,
                    poll=settings.poll,
                    reconcile_interval=settings.reconcile_interval,
                    reports=settings.reports_instance,
                )
                self.backgrounds.append(background)
            self.turns = Turns(ask=self.observer.rotate_when_due())
            self.observer.rotate_when_due.override(providers.Object(self.turns))
            self.passes = Passes(ask=self.observer.reconcile())
            self.observer.reconcile.override(providers.Object(self.passes))
            for background in self.backgrounds[:-1]:
                background.start_refreshing()
                stack.push_async_exit(background)
            await stack.enter_async_context(self.backgrounds[-1])
            yield

    async def live(self) -> None:
        """Rest, then rotate with one that is behind."""
        await self._all_hold()
        await self._comes(self._has_reconciled)
        query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self._database}'"  # noqa: S608 (our own name)
        found = await self.server.do(query)
        connections = int(found[0]["count"])
        if connections < self.count:
            self.wrongs.append(f"{connections} connections for {self.count} instances")
        self.lines.append(f"  connections at the server: {connections}")
        async with self._measured("at rest"):
            await asyncio.sleep(REST_POLLS * self.settings.poll.total_seconds())
        if self.wrongs:
            return
        async with self._measured("through a rotation", changes=4):
            await self._rotate()

    async def _rotate(self) -> None:
        """Stop one, promote at once, ask again, and see that it is waited for, and no longer than it is behind."""
        stopped = self.backgrounds[0]
        for task in stopped._tasks:  # noqa: SLF001 (an instance that hangs)
            task.cancel()
        if not isinstance(await self._asked("first"), Rotated):
            self.wrongs.append("nobody was behind, and yet the first rotation waited")
        if not isinstance(await self._asked("second"), Waiting):
            self.wrongs.append("one was behind, and yet the second rotation did not wait")
            return
        await self._comes(self._is_waiting_for_one)
        begun = self.turns.begun
        await self._comes(lambda: self._later(begun + 2))
        if isinstance(self.turns.last, Rotated):
            self.wrongs.append("promoted although one was behind")
        stopped.start_refreshing()
        await self._comes(self._is_waiting_for_nobody)
        begun = self.turns.begun
        await self._comes(self._is_settled)
        more = self.turns.begun - begun
        self.lines.append(f"  turns of the scheduler from the last report to the promotion: {more} (at most 1)")
        if more > 1:
            self.wrongs.append(f"the promotion took {more} turns of the scheduler")

    async def _asked(self, rotation_id: str) -> RotationOutcome:
        request = RotationRequest(rotation_id=rotation_id, scope="jwt", force=True, reason="test", actor="test")
        return await self.observer.rotate_keys()(Family.JWT, request)

    async def _later(self, turns: int) -> bool:
        return self.turns.begun >= turns

    async def _is_waiting_for_one(self) -> bool:
        """Whether the age is no reason any more, and one instance is."""
        last = self.turns.last
        return isinstance(last, Waiting) and last.because.startswith("instance web-0 ") and "more" not in last.because

    async def _is_waiting_for_nobody(self) -> bool:
        return not (await self.observer.ledger().read(Family.JWT)).behind or await self._is_settled()

    async def _is_settled(self) -> bool:
        return not (await self.observer.ledger().read(Family.JWT)).waiting

    async def _has_reconciled(self) -> bool:
        return self.passes.made > 0

    async def _all_hold(self) -> None:
        async def hold() -> bool:
            heads = await self.observer.ledger().heads()
            found = await self.observer.fleet().instances()
            held = [all(one.held[family].generation == heads[family].generation for family in Family) for one in found]
            return len(held) == self.count and all(held)

        await self._comes(hold)

    async def _comes(self, condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(LONG_S):
            while not await condition():  # noqa: ASYNC110 (a database brings it about)
                await asyncio.sleep(0.1)

    @asynccontextmanager
    async def _measured(self, when: str, *, changes: int = 0) -> AsyncIterator[None]:
        """Count what is sent meanwhile; the bounds grow with the time that it takes, on a slow machine as well."""
        self.sent.clear()
        before, passes_before, began_s = await self._transactions(), self.passes.begun, time.monotonic()
        yield
        took_s = time.monotonic() - began_s
        sent, looks = self.sent.total(), self.sent[_LOOK]
        transactions = await self._transactions() - before
        polls = took_s / (0.75 * self.settings.poll.total_seconds()) + 1
        reports = 4 * took_s / self.settings.instance_expiry.total_seconds() + 1 + changes
        most_looks = self.count * polls
        passes = self.passes.begun - passes_before
        most_passes = took_s / (0.75 * self.settings.reconcile_interval.total_seconds()) + 1
        most = most_looks + self.count * (reports * _PER_REPORT + changes * _PER_PAGE) + polls * _PER_TURN
        most += most_passes * _PER_WATCH + passes * _PER_RECONCILE
        if changes:  # who rotates, and this witness itself, twice each tenth of a second
            most_looks, most = most_looks + 20 * took_s, most + 60 * changes + 20 * took_s * _PER_PAGE
        self.lines.append(
            f"  {when}, {took_s:.1f} s: {looks / took_s:.4g} looks, {sent / took_s:.4g} statements,"
            f" {transactions / took_s:.4g} transactions per second"
        )
        bounds = (("looks", looks, most_looks), ("statements", sent, most), ("passes", passes, most_passes))
        for what, found, bound in bounds:
            if found > bound:
                self.wrongs.append(f"{when}: {found} {what}, more than {bound:.0f}")

    async def _transactions(self) -> int:
        """How many transactions the server has counted, but for those of its last second."""
        query = f"SELECT xact_commit + xact_rollback AS made FROM pg_stat_database WHERE datname = '{self._database}'"  # noqa: S608 (likewise)
        return int((await self.server.do(query))[0]["made"])

    @property
    def _database(self) -> str:
        return self.settings.ledger_url.rpartition("/")[2]


@contextmanager
def _noted(sent: Counter[str]) -> Iterator[None]:
    """Count every statement that any engine of this process sends meanwhile."""

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent[" ".join(statement.split())] += 1

    event.listen(Engine, "before_cursor_execute", note)
    yield
    event.remove(Engine, "before_cursor_execute", note)


async def connect(count: int, server: PostgresServer, *, design: Design = as_built) -> ConnectedFleet:
    """Let so many instances live on this server, and give what was seen."""
    with tempfile.TemporaryDirectory(prefix="journal-keys-fleet-") as folder:
        settings = settings_in(Path(folder), journal_db_url_async=await server.database(), **_SHORT)
        await make_rings(settings)
        await asyncio.sleep(w1_s(settings))
        fleet = ConnectedFleet(settings=settings, count=count, server=server, design=design)
        with _noted(fleet.sent):
            async with fleet.running():
                await fleet.live()
    return fleet
