"""What the SQL ledger promises beyond its ports: the file, the schema, failures, other processes."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.sql.audit_trail import SqlAuditTrail
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.failures import ledger_name, meaning
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.sql.schema import REVISIONS, alembic_config, check_schema, revision, upgrade
from journal_keys.adapters.sql.tables import metadata
from journal_keys.adapters.sql.transactions import writing
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.domain import audit_chain, rotation
from journal_keys.domain.changes import RingChange
from journal_keys.domain.errors import AuditChainBrokenError, MaterialCorruptError, RingInvariantError
from journal_keys.domain.keys import Algorithm, Family, KeyVersion, Kid
from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.domain.ledger_copy import RingsPutBack
from journal_keys.ports.ledger import LedgerCorruptError, LedgerError, LedgerSchemaError, LedgerUnavailableError
from tests.support.ledger_contract import CAUSE, SKEW, START, at_once, fact, founding, key, opened, record
from tests.support.ledger_race import race_for_generations

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "50% of folder #1" / "ledger.db"


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[AsyncEngine]:
    async with ledger_engine(f"sqlite+aiosqlite:///{path}") as made:
        yield made


@pytest.fixture
async def tables(engine: AsyncEngine) -> AsyncEngine:
    await upgrade(engine)
    return engine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def ledger(tables: AsyncEngine, clock: ManualClock) -> SqlLedger:
    return SqlLedger(tables, clock, SKEW)


def sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """What another program than ours does to the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return [row for statement in statements for row in connection.execute(statement)]


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    set_mode(path, 0o600)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def set_mode(path: Path, wanted: int) -> None:
    path.chmod(wanted)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestTheFile:
    async def test_file_log_and_index_are_its_owners_alone_and_so_is_the_folder(
        self, ledger: SqlLedger, path: Path
    ) -> None:
        await ledger.commit(at_once(founding()))
        names = {one.name: mode(one) for one in path.parent.iterdir()}
        assert names == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
        assert mode(path.parent) == 0o700

    async def test_every_connection_has_the_settings_under_which_sqlite_keeps_its_promises(
        self, tables: AsyncEngine
    ) -> None:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        async with AsyncExitStack() as stack:
            for _ in range(3):
                connection = await stack.enter_async_context(tables.connect())
                found = [await connection.exec_driver_sql(f"PRAGMA {name}") for name in names]
                assert [result.scalar() for result in found] == ["wal", 2, 1, 10_000]

    @pytest.mark.parametrize("open_to_all", [0o604, 0o644, 0o606, 0o660, 0o640], ids=oct)
    async def test_a_file_that_every_user_can_open_is_refused(
        self, tables: AsyncEngine, path: Path, open_to_all: int
    ) -> None:
        await tables.dispose()
        set_mode(path, open_to_all)
        with pytest.raises(LedgerUnavailableError, match="expected 0600"):
            await check_schema(tables)

    async def test_a_missing_file_is_not_made_by_looking_for_it(
        self, engine: AsyncEngine, path: Path, clock: ManualClock
    ) -> None:
        for look in (check_schema(engine), SqlLedger(engine, clock, SKEW).heads(), SqlAuditTrail(engine).head()):
            with pytest.raises(LedgerSchemaError, match="run 'journal-keys init'"):
                await look
        assert not path.parent.exists()

    async def test_a_folder_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        async with ledger_engine(f"sqlite:///{tmp_path}/file/ledger.db") as engine:
            with pytest.raises(LedgerUnavailableError, match=r"file/ledger\.db cannot be made"):
                await upgrade(engine)

    @pytest.mark.parametrize("content", [b"this is no database" * 99, b"SQLite format 3\0" + b"\xff" * 9999])
    async def test_a_file_that_is_no_database_is_corrupt(self, engine: AsyncEngine, path: Path, content: bytes) -> None:
        put(path, content)
        for attempt in (check_schema(engine), upgrade(engine)):
            with pytest.raises(LedgerCorruptError, match="run 'journal-keys recover', or restore it"):
                await attempt
        assert content_of(path) == content

    async def test_a_damaged_page_is_corrupt(self, ledger: SqlLedger, path: Path) -> None:
        await ledger.commit(at_once(founding()))
        await ledger.engine.dispose()
        content = content_of(path)
        put(path, content[:4096] + b"\xff" * (len(content) - 4096))
        with pytest.raises(LedgerCorruptError, match="is damaged"):
            await ledger.read(Family.JWT)


class TestTheSchema:
    async def test_tables_that_upgrade_made_are_good(self, tables: AsyncEngine) -> None:
        await check_schema(tables)

    async def test_upgrading_again_changes_nothing(self, ledger: SqlLedger) -> None:
        await ledger.commit(at_once(founding()))
        await upgrade(ledger.engine)
        assert (await ledger.read(Family.JWT)).ring == founding().ring

    async def test_upgrading_what_is_up_to_date_waits_for_no_writer(self, ledger: SqlLedger) -> None:
        async with writing(ledger.engine), ledger_engine(str(ledger.engine.url)) as other, asyncio.timeout(5):
            await upgrade(other)

    async def test_the_revision_is_that_of_the_tables_and_none_where_there_are_none(
        self, engine: AsyncEngine, path: Path
    ) -> None:
        assert await revision(engine) is None
        assert not path.parent.exists()
        await upgrade(engine)
        assert await revision(engine) == REVISIONS[-1]

    async def test_a_file_without_tables_asks_for_init(self, engine: AsyncEngine, path: Path) -> None:
        put(path, b"")
        with pytest.raises(LedgerSchemaError, match="has no tables: run 'journal-keys init'"):
            await check_schema(engine)
        assert content_of(path) == b""

    async def test_a_missing_table_is_a_matter_of_schema(self, ledger: SqlLedger, path: Path) -> None:
        sql(path, "DROP TABLE audit")
        with pytest.raises(LedgerSchemaError, match="run 'journal-keys init'"):
            await ledger.head()

    async def test_a_newer_schema_is_refused_and_left_as_it_is(self, tables: AsyncEngine, path: Path) -> None:
        sql(path, "UPDATE alembic_version SET version_num = '0999'")
        before = sql(path, "SELECT sql FROM sqlite_master")
        for attempt in (check_schema(tables), upgrade(tables)):
            with pytest.raises(LedgerSchemaError, match="ledger schema 0999 is newer than this release knows: install"):
                await attempt
        assert sql(path, "SELECT sql FROM sqlite_master") == before
        assert sql(path, "SELECT version_num FROM alembic_version") == [("0999",)]

    async def test_migrations_go_up_down_and_up(self, tables: AsyncEngine, path: Path) -> None:
        made = sql(path, "SELECT sql FROM sqlite_master ORDER BY name")
        async with writing(tables) as connection:
            await connection.run_sync(lambda inner: command.downgrade(alembic_config(inner), "base"))
        assert sql(path, "SELECT name FROM sqlite_master WHERE type = 'table'") == [("alembic_version",)]
        await upgrade(tables)
        assert sql(path, "SELECT sql FROM sqlite_master ORDER BY name") == made

    async def test_migrated_tables_are_the_tables_of_the_code(self, tables: AsyncEngine) -> None:
        def differences(inner: Connection) -> object:
            return compare_metadata(MigrationContext.configure(inner), metadata)

        async with tables.connect() as connection:
            assert await connection.run_sync(differences) == []

    async def test_the_revisions_named_in_the_code_are_those_in_the_package(self, tables: AsyncEngine) -> None:
        def packaged(inner: Connection) -> list[str]:
            script = ScriptDirectory.from_config(alembic_config(inner))
            return [one.revision for one in script.walk_revisions()][::-1]

        async with tables.connect() as connection:
            assert await connection.run_sync(packaged) == list(REVISIONS)

    async def test_a_migration_that_is_interrupted_leaves_no_tables(self, engine: AsyncEngine, path: Path) -> None:
        def fail(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if "key_usage" in statement:
                raise KeyboardInterrupt

        event.listen(engine.sync_engine, "before_cursor_execute", fail)
        with pytest.raises(KeyboardInterrupt):
            await upgrade(engine)
        assert sql(path, "SELECT name FROM sqlite_master") == []

    async def test_engines_that_upgrade_at_once_all_succeed(self, path: Path) -> None:
        async def upgraded() -> None:
            async with ledger_engine(f"sqlite+aiosqlite:///{path}") as engine:
                await upgrade(engine)
                await check_schema(engine)

        await asyncio.gather(*(upgraded() for _ in range(8)))

    async def test_a_cancelled_connect_leaves_no_thread_behind(self, tables: AsyncEngine, path: Path) -> None:
        before = set(threading.enumerate())
        for turns in range(12):
            async with ledger_engine(f"sqlite+aiosqlite:///{path}") as engine:
                look = asyncio.ensure_future(SqlLedger(engine, ManualClock(START), SKEW).heads())
                for _ in range(turns):
                    await asyncio.sleep(0)
                look.cancel()
            left = [one for one in set(threading.enumerate()) - before if "connection_worker" in one.name]
            assert left == []
        assert tables is not None

    def test_importing_the_adapter_does_not_import_alembic(self) -> None:
        program = "import sys, journal_keys.adapters.sql.schema; print('alembic' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        assert done.stdout == "False\n"


class HurriedClock(ManualClock):
    """A clock on which so much time passes between two looks."""

    def __init__(self, steps: list[timedelta]) -> None:
        super().__init__(START)
        self.steps = steps

    def read(self) -> ClockReading:
        looked = super().read()
        self.pass_time(self.steps.pop(0) if self.steps else timedelta(0))
        return looked


async def test_a_slow_transaction_is_made_again_with_moments_of_its_own(tables: AsyncEngine) -> None:
    clock = HurriedClock([2 * SKEW, timedelta(0), SKEW])
    asked: list[datetime] = []

    def transition(at: datetime) -> RingChange:
        asked.append(at)
        return founding()

    ledger = SqlLedger(tables, clock, SKEW)
    await ledger.commit(transition)
    assert asked == [START, START + 2 * SKEW]
    assert len(await ledger.entries()) == len(founding().facts)


async def test_a_transaction_that_stays_slow_changes_nothing(tables: AsyncEngine) -> None:
    ledger = SqlLedger(tables, HurriedClock([2 * SKEW] * 100), SKEW)
    with pytest.raises(LedgerUnavailableError, match="the change took 120 s: nothing was changed"):
        await ledger.commit(at_once(founding()))
    assert await ledger.heads() == {}
    assert await ledger.entries() == []


async def test_rings_that_are_put_back_slowly_get_moments_of_another_transaction(
    ledger: SqlLedger, tables: AsyncEngine
) -> None:
    first = founding()
    await ledger.commit(at_once(first))
    asked: list[datetime] = []

    def transition(at: datetime) -> RingsPutBack:
        asked.append(at)
        return RingsPutBack(rings={Family.JWT: None}, facts=(fact(),))

    slow = SqlLedger(tables, HurriedClock([2 * SKEW, timedelta(0), SKEW]), SKEW)
    await slow.put_back({Family.JWT: first.ring.head}, transition)
    assert asked == [START, START + 2 * SKEW]
    assert len(await ledger.entries()) == len(first.facts) + 1


class TestAKid:
    @pytest.mark.parametrize(
        "other",
        [
            replace(key(Family.JWT, 2), digest="f" * 64),
            replace(key(Family.JWT, 2), algorithm=Algorithm.ES256),
            replace(key(Family.JWT, 2), public_jwk=key(Family.JWT, 3).public_jwk),
        ],
        ids=["digest", "algorithm", "public key"],
    )
    async def test_is_never_used_for_another_key(self, ledger: SqlLedger, other: KeyVersion) -> None:
        first = founding()
        await ledger.commit(at_once(first))
        ring = replace(first.ring, generation=2, versions=(first.ring.active, other))
        with pytest.raises(MaterialCorruptError, match="jwt_0002 is recorded as another key"):
            await ledger.commit(at_once(RingChange(ring=ring, facts=())))
        assert (await ledger.read(Family.JWT)).ring == first.ring

    async def test_never_leaves_the_ledger(self, ledger: SqlLedger) -> None:
        first = founding()
        await ledger.commit(at_once(first))
        ring = replace(first.ring, generation=2, versions=first.ring.versions[:1])
        with pytest.raises(RingInvariantError, match="would lose jwt_0002"):
            await ledger.commit(at_once(RingChange(ring=ring, facts=())))
        assert (await ledger.read(Family.JWT)).ring == first.ring


NONSENSE = {
    "an unknown state": "UPDATE key_versions SET state = 'SUSPENDED'",
    "two ACTIVE keys": "UPDATE key_versions SET state = 'ACTIVE'",
    "no version": "DELETE FROM key_versions",
    "a moment of another zone": "UPDATE rings SET changed_at = '2026-11-24T13:00:00.000000+01:00'",
    "a moment without a zone": "UPDATE key_versions SET created_at = '2026-11-24T13:00:00.000000'",
    "no moment": "UPDATE key_versions SET published_at = 7",
    "a JWT key without public key": "UPDATE key_versions SET public_jwk = NULL",
    "a private key": """UPDATE key_versions SET public_jwk = '{"crv":"Ed25519","d":"AQAB","kty":"OKP","x":"AQAB"}'""",
    "an algorithm of the other family": "UPDATE key_versions SET algorithm = 'A256GCM'",
    "a short digest": "UPDATE key_versions SET digest = 'abcd'",
    "a generation of text": "UPDATE rings SET generation = 'seven'",
    "half a clock": "UPDATE ledger_clock SET boot = NULL",
    "an endless uptime": "UPDATE ledger_clock SET uptime_us = 9e300",
    "no clock": "DELETE FROM ledger_clock",
    "an unknown rotation status": "UPDATE rotations SET status = 'waiting', new_kid = '1 2'",
}


@pytest.mark.parametrize("statement", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_in_a_row_is_corrupt(ledger: SqlLedger, path: Path, statement: str) -> None:
    await ledger.commit(at_once(founding()))
    await ledger.commit(at_once(opened(founding().ring)))
    sql(path, statement)
    with pytest.raises(LedgerCorruptError):
        await ledger.read(Family.JWT)


async def test_a_ring_of_an_unknown_family_is_corrupt(ledger: SqlLedger, path: Path) -> None:
    sql(path, "INSERT INTO rings VALUES ('rsa', 1, '2026-11-24T12:00:00.000000+00:00')")
    with pytest.raises(LedgerCorruptError):
        await ledger.heads()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET hash = 'ä' WHERE sequence = 2", "UPDATE audit SET detail = '{\"size\":3}' WHERE sequence = 2"],
    ids=["a hash", "a detail"],
)
async def test_nonsense_in_an_audit_row_is_corrupt(ledger: SqlLedger, path: Path, statement: str) -> None:
    await ledger.commit(at_once(founding()))
    sql(path, statement)
    with pytest.raises(LedgerCorruptError, match="audit entry 2"):
        await ledger.entries()


TAMPERED = {
    "a reason": "UPDATE audit SET reason = 'none' WHERE sequence = 2",
    "a moment": "UPDATE audit SET at = '2020-01-01T00:00:00.000000+00:00' WHERE sequence = 3",
    "a detail": 'UPDATE audit SET detail = \'{"to":"me"}\' WHERE sequence = 1',
    "a missing entry": "DELETE FROM audit WHERE sequence = 2",
    "a hash": "UPDATE audit SET hash = previous_hash WHERE sequence = 3",
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED.keys())
async def test_a_tampered_audit_row_breaks_the_chain(ledger: SqlLedger, path: Path, statement: str) -> None:
    await ledger.commit(at_once(founding()))
    sql(path, statement)
    with pytest.raises(AuditChainBrokenError):
        audit_chain.verify(await ledger.entries())


def fill_up(engine: AsyncEngine) -> None:
    """Let no file grow by a page from the next connection on."""

    def limit(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count = 1")
        cursor.close()

    event.listen(engine.sync_engine, "connect", limit)


class TestFailures:
    async def test_a_full_disk_refuses_the_whole_change(self, ledger: SqlLedger) -> None:
        await ledger.commit(at_once(founding()))
        await ledger.engine.dispose()
        fill_up(ledger.engine)
        long = replace(opened(founding().ring), facts=(fact(text="x" * 100_000),))
        with pytest.raises(LedgerUnavailableError, match="free space on its disk and try again"):
            await ledger.commit(at_once(long))
        assert (await ledger.read(Family.JWT)).ring == founding().ring
        assert (await ledger.head()).sequence == 3

    async def test_a_lock_that_is_not_released_is_no_answer(self, ledger: SqlLedger, path: Path) -> None:
        def impatient(connection: DBAPIConnection, _record: object) -> None:
            connection.cursor().execute("PRAGMA busy_timeout = 20")

        await ledger.engine.dispose()
        event.listen(ledger.engine.sync_engine, "connect", impatient)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerUnavailableError, match="is locked by another process"):
                await ledger.commit(at_once(founding()))
            assert (await ledger.read(Family.JWT)).ring is None
        await ledger.commit(at_once(founding()))

    async def test_an_error_shows_no_statement_and_no_parameter(self, ledger: SqlLedger, path: Path) -> None:
        sql(path, "DROP TABLE audit")
        with pytest.raises(LedgerSchemaError) as caught:
            await ledger.commit(at_once(founding()))
        shown = "".join(traceback.format_exception(caught.value))
        assert "[SQL" not in shown
        assert "no such table" not in shown
        assert CAUSE.reason not in shown

    @pytest.mark.parametrize(
        ("code", "kind", "words"),
        [
            ("SQLITE_NOTADB", LedgerCorruptError, "run 'journal-keys recover', or restore it"),
            ("SQLITE_CORRUPT_INDEX", LedgerCorruptError, "is damaged"),
            ("SQLITE_CONSTRAINT_PRIMARYKEY", LedgerCorruptError, "nothing was changed"),
            ("SQLITE_BUSY_SNAPSHOT", LedgerUnavailableError, "is locked by another process"),
            ("SQLITE_FULL", LedgerUnavailableError, "free space on its disk and try again"),
            ("SQLITE_READONLY_DIRECTORY", LedgerUnavailableError, "cannot be written: run as the user"),
            ("SQLITE_CANTOPEN_ISDIR", LedgerUnavailableError, "cannot be opened: run as the user"),
            ("SQLITE_IOERR_WRITE", LedgerUnavailableError, "or look for its faults"),
            ("SQLITE_NOMEM", LedgerUnavailableError, "gave no answer"),
        ],
    )
    def test_a_code_of_sqlite_has_one_meaning(self, code: str, kind: type[LedgerError], words: str) -> None:
        cause = sqlite3.OperationalError("secret text of the driver")
        cause.sqlite_errorname = code
        meant = meaning(DBAPIError("SELECT secret", {"secret": 1}, cause), "sqlite+aiosqlite:///ledger.db")
        assert type(meant) is kind
        assert words in str(meant)
        assert "secret" not in str(meant)

    def test_an_error_names_a_server_without_its_password(self) -> None:
        url = make_url("postgresql+asyncpg://keys:hunter2@db.example.org/ledger?password=hunter2")
        said = str(meaning(PoolTimeoutError("hunter2"), ledger_name(url)))
        assert "hunter2" not in said
        assert "postgresql+asyncpg://keys:***@db.example.org/ledger" in said

    @pytest.mark.parametrize(
        "url",
        ["hunter2", "nonsense://u:hunter2@h/d", "sqlite://", "sqlite+aiosqlite:///:memory:", "sqlite://u:hunter2@h/x"],
    )
    async def test_an_unusable_url_is_refused_without_its_password(self, url: str) -> None:
        with pytest.raises(LedgerUnavailableError, match="expected sqlite") as caught:
            await ledger_engine(url).__aenter__()
        assert "hunter2" not in str(caught.value)


def cancel_at(engine: AsyncEngine, number: int) -> None:
    """Cancel the task "cancelled" when it sends its statement of this number."""
    left = [number]

    def count(*_event: object) -> None:
        task = asyncio.current_task()
        if task and task.get_name() == "cancelled":
            left[0] -= 1
            if left[0] == 0:
                task.cancel()

    event.listen(engine.sync_engine, "before_cursor_execute", count)


class TestCancellation:
    @pytest.mark.parametrize("number", range(1, 13))
    async def test_at_any_statement_leaves_all_or_nothing_and_no_lock(self, ledger: SqlLedger, number: int) -> None:
        first = founding()
        await ledger.commit(at_once(first))
        change = rotation.promote(first.ring, CAUSE, (record(),))
        cancel_at(ledger.engine, number)
        with suppress(asyncio.CancelledError):
            await asyncio.create_task(ledger.commit(at_once(change)), name="cancelled")
        page = await ledger.read(Family.JWT)
        assert (page.ring, (await ledger.head()).sequence) in ((first.ring, 3), (change.ring, 5))
        assert page.ring is not None
        async with asyncio.timeout(2):
            await ledger.commit(at_once(opened(page.ring)))
        audit_chain.verify(await ledger.entries())

    async def test_that_leaves_a_statement_open_leaves_no_lock(self, ledger: SqlLedger) -> None:
        await ledger.commit(at_once(founding()))
        with suppress(LedgerUnavailableError):
            async with writing(ledger.engine) as connection:
                raw = await connection.get_raw_connection()
                assert raw.driver_connection is not None
                unread = await raw.driver_connection.execute("SELECT sequence FROM audit")
                await connection.invalidate()
        async with asyncio.timeout(2):
            await ledger.append(fact())
        assert unread is not None

    async def test_of_many_at_any_moment_leaves_no_lock(self, ledger: SqlLedger) -> None:
        await ledger.commit(at_once(founding()))
        for number in range(60):
            page = await ledger.read(Family.JWT)
            assert page.ring is not None
            task = asyncio.create_task(ledger.commit(at_once(opened(page.ring, f"rotation-{number}"))))
            await asyncio.sleep(number / 10_000)
            task.cancel()
            await asyncio.wait({task})
        async with asyncio.timeout(2):
            await ledger.append(fact())
        audit_chain.verify(await ledger.entries())


@pytest.mark.processes
async def test_eight_processes_make_fifty_generations_with_one_winner_each(tables: AsyncEngine, path: Path) -> None:
    await race_for_generations(SqlLedger(tables, SystemClock(), SKEW), f"sqlite+aiosqlite:///{path}", processes=8)


async def test_a_count_of_nonsense_is_corrupt(ledger: SqlLedger, path: Path) -> None:
    await ledger.add(Kid("aes_0001"), 1)
    sql(path, "UPDATE key_usage SET encryptions = 'many'")
    with pytest.raises(LedgerCorruptError, match="count of aes_0001"):
        await ledger.add(Kid("aes_0001"), 1)
    with pytest.raises(LedgerCorruptError, match="table key_usage"):
        await ledger.copy()
