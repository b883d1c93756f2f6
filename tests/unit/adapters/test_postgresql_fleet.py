"""What reports and the gate read of a hundred thousand instances on PostgreSQL: what they need."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.domain.keys import Family
from journal_keys.ports.ledger import MOST_LAGGARDS
from tests.support.ledger_contract import SKEW, START, at_once, founding, moved_on, turn_server_clock
from tests.support.postgres_server import PostgresServer

MANY: Final = 100_000
LIFE: Final = timedelta(minutes=5)
ROWS: Final = """
    INSERT INTO instances SELECT '{prefix}-' || number, {generation}, '{at}', 1, '{at}', '{at}', '{ends}'
    FROM generate_series(1, {count}) AS number
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def engine(postgres: PostgresServer) -> AsyncIterator[AsyncEngine]:
    async with ledger_engine(await postgres.database()) as made:
        yield made


@pytest.fixture
async def ledger(engine: AsyncEngine, clock: ManualClock) -> SqlLedger:
    """A ledger with the jwt ring at generation 2."""
    turn_server_clock(engine, clock)
    made = SqlLedger(engine, clock, SKEW)
    first = await made.commit(at_once(founding()))
    await made.commit(at_once(moved_on(first.ring)))
    return made


async def seed(engine: AsyncEngine, prefix: str, count: int, *, generation: int, lives: timedelta = LIFE) -> None:
    """Let so many instances have reported at the start."""
    at, ends = (moment.isoformat(timespec="microseconds") for moment in (START, START + lives))
    rows = ROWS.format(prefix=prefix, count=count, generation=generation, at=at, ends=ends)
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in (rows, "VACUUM ANALYZE instances"):
            await autocommit.exec_driver_sql(statement)


async def plans(ledger: SqlLedger, act: Callable[[], Awaitable[object]]) -> list[dict[str, Any]]:
    """What the server did for each statement on `instances` that the act made, made once more and rolled back."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:  # noqa: ANN401
        if "instances" in statement and not statement.startswith("EXPLAIN"):
            seen.append((statement, parameters))

    event.listen(ledger.engine.sync_engine, "before_cursor_execute", note)
    await act()
    event.remove(ledger.engine.sync_engine, "before_cursor_execute", note)
    found = []
    async with ledger.engine.connect() as connection:
        for statement, parameters in seen:
            explained = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            found.append(explained.scalar_one()[0]["Plan"])
        await connection.rollback()
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def rows_read(found: list[dict[str, Any]]) -> int:
    """How many rows the scans looked at; each must use an index."""
    scans = [node for plan in found for node in nodes(plan) if "Scan" in node["Node Type"]]
    assert scans
    assert all("Index" in node["Node Type"] for node in scans), scans
    return sum(int(node["Actual Rows"]) + int(node.get("Rows Removed by Filter", 0)) for node in scans)


async def test_at_rest_the_gate_reads_no_row(ledger: SqlLedger) -> None:
    await seed(ledger.engine, "web", MANY, generation=2)
    assert rows_read(await plans(ledger, lambda: ledger.read(Family.JWT))) == 0


async def test_the_gate_reads_those_that_are_behind_and_no_other_row(ledger: SqlLedger) -> None:
    await seed(ledger.engine, "web", MANY, generation=2)
    await seed(ledger.engine, "old", 3, generation=1)
    assert rows_read(await plans(ledger, lambda: ledger.read(Family.JWT))) == 3
    assert [one.name for one in (await ledger.read(Family.JWT)).behind] == ["old-1", "old-2", "old-3"]


async def test_when_all_are_behind_as_after_every_change_the_gate_reads_as_many_as_it_shows(ledger: SqlLedger) -> None:
    await seed(ledger.engine, "web", MANY, generation=1)
    assert rows_read(await plans(ledger, lambda: ledger.read(Family.JWT))) == MOST_LAGGARDS


async def test_a_report_reads_and_writes_its_own_row(ledger: SqlLedger) -> None:
    await seed(ledger.engine, "web", MANY, generation=1)
    found = await plans(ledger, lambda: ledger.report("web-77", {Family.JWT: 2, Family.AES: 1}, expires_in=LIFE))
    assert len(found) == 2
    assert rows_read(found) == 2


async def count(ledger: SqlLedger) -> int:
    async with ledger.engine.connect() as connection:
        return int((await connection.exec_driver_sql("SELECT count(*) FROM instances")).scalar_one())


async def test_what_expired_an_hour_ago_is_cleared_away_by_the_next_change_of_a_ring(
    ledger: SqlLedger, clock: ManualClock
) -> None:
    await seed(ledger.engine, "dead", 1_000, generation=1)
    ring = (await ledger.read(Family.JWT)).ring
    assert ring is not None
    clock.pass_time(LIFE + timedelta(hours=1))
    await ledger.report("web", {Family.JWT: 1, Family.AES: 1}, expires_in=LIFE)
    changed = await ledger.commit(at_once(moved_on(ring)))
    assert await count(ledger) == 1_001
    clock.pass_time(timedelta(microseconds=1))
    await ledger.commit(at_once(moved_on(changed.ring)))
    assert await count(ledger) == 1
    assert [one.name for one in (await ledger.read(Family.JWT)).behind] == ["web"]


async def test_what_expired_an_hour_ago_is_cleared_away_by_an_instance_that_is_new(
    ledger: SqlLedger, clock: ManualClock
) -> None:
    await seed(ledger.engine, "dead", 1_000, generation=1)
    clock.pass_time(LIFE + timedelta(hours=1, microseconds=1))
    await ledger.report("web", {}, expires_in=LIFE)
    assert await count(ledger) == 1
