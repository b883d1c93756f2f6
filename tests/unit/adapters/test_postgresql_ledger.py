"""What the ledger promises on PostgreSQL beyond its ports: the server's clock, roles, failures, other processes."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.failures import meaning
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.sql.ledger_clock import lock
from journal_keys.adapters.sql.schema import HEAD, alembic_config, check_schema, checked_late, revision, upgrade
from journal_keys.adapters.sql.tables import metadata
from journal_keys.adapters.sql.transactions import writing
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.domain import audit_chain
from journal_keys.domain.changes import RingChange
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.ledger_clock import ClockReading, LedgerTime
from journal_keys.domain.ledger_copy import LedgerCopy, Refounding, RingsPutBack
from journal_keys.ports.ledger import LedgerCorruptError, LedgerError, LedgerSchemaError, LedgerUnavailableError
from journal_keys.ports.replies import Reply
from tests.support.ledger_contract import SKEW, START, YEAR, at_once, fact, founding, opened, turn_server_clock
from tests.support.ledger_race import race_for_generations
from tests.support.postgres_server import PostgresServer

GRANTS: Final = Path(__file__).parents[3] / "docs" / "postgresql.md"
HOUR: Final = timedelta(hours=1)
EMPTY_COPY: Final = LedgerCopy(time=None, rings={}, rotations=(), usage={}, webhook_secrets=(), entries=())


@pytest.fixture
async def url(postgres: PostgresServer) -> str:
    return await postgres.database()


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    async with ledger_engine(url) as made:
        yield made


@pytest.fixture
def ledger(engine: AsyncEngine) -> SqlLedger:
    return SqlLedger(engine, SystemClock(), SKEW)


@pytest.fixture
async def nothing(postgres: PostgresServer) -> AsyncIterator[AsyncEngine]:
    async with ledger_engine(await postgres.empty_database()) as made:
        yield made


async def run(engine: AsyncEngine, *statements: str) -> None:
    """What the owner of the tables does to them."""
    async with engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


class TestTheSchema:
    async def test_a_database_without_tables_asks_for_init(self, nothing: AsyncEngine) -> None:
        assert await revision(nothing) is None
        with pytest.raises(LedgerSchemaError, match="has no tables: run 'journal-keys init'"):
            await check_schema(nothing)

    async def test_engines_that_upgrade_at_once_all_succeed(self, nothing: AsyncEngine) -> None:
        async def upgraded() -> None:
            async with ledger_engine(nothing.url.render_as_string(hide_password=False)) as engine:
                await upgrade(engine)
                await check_schema(engine)

        await asyncio.gather(*(upgraded() for _ in range(8)))

    async def test_a_newer_schema_is_refused_and_left_as_it_is(self, engine: AsyncEngine) -> None:
        await run(engine, "UPDATE alembic_version SET version_num = '0999'")
        for attempt in (check_schema(engine), upgrade(engine)):
            with pytest.raises(LedgerSchemaError, match="ledger schema 0999 is newer than this release knows"):
                await attempt
        assert await revision(engine) == "0999"

    async def test_a_ledger_that_is_checked_late_is_neither_read_nor_changed_before(self, engine: AsyncEngine) -> None:
        late = SqlLedger(checked_late(engine), SystemClock(), SKEW)
        await run(engine, "UPDATE alembic_version SET version_num = '0999'")
        for attempt in (late.heads(), late.keep_clock()):
            with pytest.raises(LedgerSchemaError, match="ledger schema 0999 is newer than this release knows"):
                await attempt
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})
        await late.keep_clock()
        assert await late.heads() == {}

    async def test_migrations_go_up_down_and_up_and_end_at_the_tables_of_the_code(self, engine: AsyncEngine) -> None:
        async with writing(engine) as connection:
            await connection.run_sync(lambda inner: command.downgrade(alembic_config(inner), "base"))
        await upgrade(engine)

        def differences(inner: Connection) -> object:
            return compare_metadata(MigrationContext.configure(inner), metadata)

        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []

    async def test_a_missing_table_is_a_matter_of_schema(self, ledger: SqlLedger) -> None:
        await run(ledger.engine, "DROP TABLE audit")
        with pytest.raises(LedgerSchemaError, match="lacks tables: run 'journal-keys init'"):
            await ledger.head()


class Hosts:
    """A server, a host that is a year ahead of it, and one that is a year behind, with other boots."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.server, ahead, back = ManualClock(START), ManualClock(START + YEAR), ManualClock(START - YEAR)
        back.reboot()
        self._clocks = (self.server, ahead, back)
        turn_server_clock(engine, self.server)
        self.first, self.second = SqlLedger(engine, ahead, SKEW), SqlLedger(engine, back, SKEW)

    def pass_hour(self) -> None:
        for clock in self._clocks:
            clock.pass_time(HOUR)


class TestTheClock:
    @pytest.fixture
    def hosts(self, engine: AsyncEngine) -> Hosts:
        return Hosts(engine)

    async def test_what_a_host_counted_before_the_refounding_counts_no_longer(self, hosts: Hosts) -> None:
        copied = LedgerTime(
            at=START - 10 * HOUR, reading=ClockReading(wall=START - HOUR, uptime=HOUR, boot="of the copy")
        )
        await hosts.second.keep_clock()
        hosts.server.step_wall(-HOUR / 2)
        await hosts.first.refound(replace(EMPTY_COPY, time=copied), lambda _at: Refounding(rings={}, facts=()))
        hosts.server.step_wall(HOUR / 2)
        assert (await hosts.second.read(Family.JWT)).now == copied.at

    async def test_the_ledger_s_time_begins_with_the_server_s_and_not_with_the_host_s(self, hosts: Hosts) -> None:
        assert (await hosts.first.read(Family.JWT)).now == START

    async def test_without_a_test_the_server_s_clock_is_the_real_one(self, ledger: SqlLedger) -> None:
        page = await ledger.read(Family.JWT)
        assert abs(page.now - SystemClock().read().wall) < HOUR

    async def test_hosts_that_take_turns_lose_no_time(self, hosts: Hosts) -> None:
        await hosts.first.keep_clock()
        await hosts.second.keep_clock()
        for ledger in (hosts.first, hosts.second, hosts.first, hosts.second):
            hosts.pass_hour()
            await ledger.keep_clock()
        assert (await hosts.first.read(Family.JWT)).now == START + 4 * HOUR

    async def test_a_server_clock_that_is_set_forward_between_two_hosts_counts_for_nothing(self, hosts: Hosts) -> None:
        await hosts.first.keep_clock()
        await hosts.second.keep_clock()
        hosts.server.step_wall(YEAR)
        hosts.pass_hour()
        assert (await hosts.first.read(Family.JWT)).now == START
        assert (await hosts.second.read(Family.JWT)).now == START + HOUR, "who kept it last needs no wall clock"

    async def test_an_accepted_clock_leaves_no_host_an_older_reading_to_count_from(self, hosts: Hosts) -> None:
        await hosts.first.keep_clock()
        hosts.pass_hour()
        hosts.server.step_wall(-YEAR)
        await hosts.second.accept_clock(actor="ops", reason="a test")
        hosts.server.step_wall(YEAR)
        assert (await hosts.first.read(Family.JWT)).now == (await hosts.second.read(Family.JWT)).now == START


FAILING: Final = """
CREATE SEQUENCE tries;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'lost' USING ERRCODE = '{code}'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER failing BEFORE UPDATE ON rings FOR EACH ROW EXECUTE FUNCTION fail();
"""


class TestTransactions:
    async def _fail(self, ledger: SqlLedger, times: int, code: str) -> None:
        statements = FAILING.format(times=times, code=code).split(";\nCREATE")
        await run(ledger.engine, statements[0], *(f"CREATE{one.rstrip().rstrip(';')}" for one in statements[1:]))

    @pytest.mark.parametrize("code", ["40001", "40P01"], ids=["serialisation failure", "deadlock"])
    async def test_what_the_server_gave_up_for_another_s_sake_is_made_again(self, ledger: SqlLedger, code: str) -> None:
        first = founding()
        await ledger.commit(at_once(first))
        await self._fail(ledger, 4, code)
        calls = []

        def transition(at: object) -> RingChange:
            calls.append(at)
            return opened(first.ring)

        await ledger.commit(transition)
        assert len(calls) == len(set(calls)) == 5, "each with a moment of its own"
        assert (await ledger.heads())[Family.JWT].generation == first.ring.generation + 1
        audit_chain.verify(await ledger.entries())

    @pytest.mark.parametrize("code", ["40001", "40P01"], ids=["serialisation failure", "deadlock"])
    async def test_after_five_times_it_is_refused_and_nothing_is_changed(self, ledger: SqlLedger, code: str) -> None:
        first = founding()
        await ledger.commit(at_once(first))
        await self._fail(ledger, 5, code)
        with pytest.raises(LedgerUnavailableError, match="at every try: nothing was changed"):
            await ledger.commit(at_once(opened(first.ring)))
        assert (await ledger.heads())[Family.JWT] == first.ring.head
        assert len(await ledger.entries()) == len(first.facts)

    async def test_a_page_is_one_state_whatever_others_commit_meanwhile(self, ledger: SqlLedger) -> None:
        await ledger.commit(at_once(founding()))

        async def changing() -> None:
            for turn in range(30):
                ring = (await ledger.read(Family.JWT)).ring
                assert ring is not None
                await ledger.commit(at_once(opened(ring, f"turn-{turn}")))

        async def looking() -> None:
            while not change.done():
                page = await ledger.read(Family.JWT)
                assert page.ring is not None
                assert page.ring.generation == 1 + len(page.waiting)

        change = asyncio.ensure_future(changing())
        await asyncio.gather(change, looking(), looking())

    @pytest.mark.processes
    async def test_eight_processes_make_fifty_generations_with_one_winner_each(
        self, ledger: SqlLedger, url: str
    ) -> None:
        await race_for_generations(ledger, url, processes=8)


class TestRoles:
    @pytest.fixture
    async def service(self, engine: AsyncEngine, url: str, postgres: PostgresServer) -> AsyncIterator[SqlLedger]:
        """The ledger as the role sees it that the document describes."""
        granted = re.findall(r"^GRANT .*;$", GRANTS.read_text("utf-8"), re.MULTILINE)
        assert granted
        known = await postgres.do("SELECT 1 FROM pg_roles WHERE rolname = 'journal_keys'")
        await run(engine, *([] if known else ["CREATE ROLE journal_keys LOGIN"]), *granted)
        async with ledger_engine(url.replace("//postgres@", "//journal_keys@")) as limited:
            yield SqlLedger(limited, SystemClock(), SKEW)

    async def test_the_service_s_role_can_do_all_that_the_service_does(self, service: SqlLedger) -> None:
        await check_schema(service.engine)
        first = founding()
        await service.commit(at_once(first))
        waiting = opened(first.ring)
        await service.commit(at_once(waiting))
        await service.settle(waiting.rotations[0], fact("settled"))
        await service.append(fact())
        await service.add(Kid("aes_0001"), 3)
        await service.add(Kid("aes_0001"), 4)
        assert [await service.take("a" * 64) for _ in range(2)] == [True, False]
        await service.introduce("whs_1", actor="ops", reason="a test")
        await service.confirm("whs_1")
        reply = Reply(digest="a" * 64, status=200, body="{}")
        assert await service.begin("http:deploy", "k1", reply.digest) is None
        assert await service.keep("http:deploy", "k1", reply) == reply
        assert await service.begin("http:deploy", "k1", reply.digest) == reply
        await service.keep_clock()
        await service.accept_clock(actor="ops", reason="a test")
        await service.keep_clock()
        audit_chain.verify(await service.entries())
        assert await service.total(Kid("aes_0001")) == 7

    async def test_the_service_s_role_can_copy_and_refound_and_only_the_owner_puts_back(
        self, service: SqlLedger, ledger: SqlLedger
    ) -> None:
        first = founding()
        copy = replace(EMPTY_COPY, rings={Family.JWT: first.ring}, rotations=opened(first.ring).rotations)
        await service.add(Kid("aes_0001"), 3)
        await service.report("alive", dict.fromkeys(Family, 0), expires_in=HOUR)
        await service.refound(
            replace(copy, usage={Kid("aes_0001"): 4}), lambda _at: Refounding(rings=copy.rings, facts=(fact(),))
        )
        assert (await service.copy()).usage == {Kid("aes_0001"): 7}

        def nothing_again(_at: datetime) -> RingsPutBack:
            return RingsPutBack(rings={Family.JWT: None}, facts=())

        with pytest.raises(LedgerUnavailableError, match=r"grant what docs/postgresql\.md lists"):
            await service.put_back({Family.JWT: first.ring.head}, nothing_again)
        await ledger.put_back({Family.JWT: first.ring.head}, nothing_again)
        assert await service.heads() == {}

    async def test_only_the_owner_refounds_a_ledger_whose_trail_is_not_empty(
        self, service: SqlLedger, ledger: SqlLedger
    ) -> None:
        await service.append(fact("admin_refused"))
        refounding = Refounding(rings={}, facts=(fact(),))
        with pytest.raises(LedgerUnavailableError, match=r"grant what docs/postgresql\.md lists"):
            await service.refound(EMPTY_COPY, lambda _at: refounding)
        await ledger.refound(EMPTY_COPY, lambda _at: refounding)
        assert [entry.fact for entry in await service.entries()] == [fact(), fact("admin_refused")]

    @pytest.mark.parametrize(
        "statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "TRUNCATE audit", "DROP TABLE audit"]
    )
    async def test_the_service_s_role_cannot_change_what_was_audited(self, service: SqlLedger, statement: str) -> None:
        await service.append(fact())
        async with service.engine.connect() as connection:
            with pytest.raises(Exception, match=r"permission denied|must be owner"):
                await connection.exec_driver_sql(statement)
        assert len(await service.entries()) == 1

    async def test_a_role_without_grants_is_told_where_they_are_listed(
        self, service: SqlLedger, url: str, postgres: PostgresServer
    ) -> None:
        await service.heads()
        known = await postgres.do("SELECT 1 FROM pg_roles WHERE rolname = 'stranger'")
        await postgres.do("SELECT 1" if known else "CREATE ROLE stranger LOGIN")
        async with ledger_engine(url.replace("//postgres@", "//stranger@")) as engine:
            with pytest.raises(LedgerUnavailableError, match=r"grant what docs/postgresql\.md lists"):
                await SqlLedger(engine, SystemClock(), SKEW).heads()


class TestFailures:
    async def test_a_server_that_takes_no_changes_says_so_and_is_read(self, ledger: SqlLedger, url: str) -> None:
        await ledger.commit(at_once(founding()))
        database = url.rsplit("/", 1)[1]
        await run(ledger.engine, f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        await ledger.engine.dispose()
        with pytest.raises(LedgerUnavailableError, match="takes no changes: expected the primary server"):
            await ledger.append(fact())
        assert (await ledger.read(Family.JWT)).ring == founding().ring

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (("//postgres@", "//nobody_known@"), "does not let this user in"),
            (("/ledger_", "/ledger_that_is_not_there_"), "does not exist on that server"),
        ],
        ids=["user", "database"],
    )
    async def test_a_wrong_address_is_named_without_a_password(
        self, url: str, change: tuple[str, str], told: str
    ) -> None:
        wrong = url.replace(*change).replace("@", ":the-password@")
        async with ledger_engine(wrong) as engine:
            with pytest.raises(LedgerUnavailableError, match=told) as caught:
                await SqlLedger(engine, SystemClock(), SKEW).heads()
        assert "the-password" not in str(caught.value)
        assert caught.value.__cause__ is None

    async def test_a_server_that_is_not_there_is_unavailable(self) -> None:
        async with ledger_engine("postgresql://journal@127.0.0.1:1/journal") as engine:
            with pytest.raises(LedgerUnavailableError, match="gave no answer"):
                await SqlLedger(engine, SystemClock(), SKEW).heads()

    async def test_a_constraint_that_is_broken_shows_no_value(self, ledger: SqlLedger) -> None:
        await run(ledger.engine, "ALTER TABLE audit ADD CONSTRAINT short CHECK (length(reason) < 3)")
        with pytest.raises(LedgerCorruptError, match="holds rows that contradict this change") as caught:
            await ledger.append(fact())
        assert "nightly" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.processes
    async def test_of_a_server_that_was_killed_everything_committed_is_there_and_the_same_engine_goes_on(
        self, own_postgres: PostgresServer
    ) -> None:
        async with ledger_engine(await own_postgres.database()) as engine:
            ledger = SqlLedger(engine, SystemClock(), SKEW)
            first = await ledger.commit(at_once(founding()))
            own_postgres.stop(signal.SIGQUIT)
            for attempt in (ledger.heads(), ledger.append(fact()), ledger.commit(at_once(opened(first.ring)))):
                with pytest.raises(LedgerUnavailableError):
                    await attempt
            own_postgres.start()
            assert (await ledger.read(Family.JWT)).ring == first.ring
            await ledger.commit(at_once(opened(first.ring)))
            audit_chain.verify(await ledger.entries())

    async def _blocked(self, engine: AsyncEngine) -> int:
        """How many connections to this database wait for a lock."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with engine.connect() as connection:
            return len((await connection.exec_driver_sql(query)).all())

    async def test_a_lock_that_somebody_holds_is_waited_for(self, ledger: SqlLedger) -> None:
        async with writing(ledger.engine) as holder, asyncio.timeout(9):
            await lock(holder)
            patient = asyncio.ensure_future(ledger.append(fact()))
            while not await self._blocked(ledger.engine):  # noqa: ASYNC110 (the server brings it about)
                await asyncio.sleep(0.01)
            assert not patient.done()
        await patient
        assert len(await ledger.entries()) == 1

    @pytest.mark.parametrize("look", [check_schema, upgrade], ids=["look", "change"])
    async def test_an_engine_for_another_database_is_named(
        self, look: Callable[[AsyncEngine], Awaitable[None]]
    ) -> None:
        engine = create_async_engine("postgresql+asyncpg://journal@127.0.0.1:1/journal")
        engine.dialect.name = "oracle"
        with pytest.raises(
            LedgerUnavailableError, match="no ledger is kept on oracle: expected an engine for sqlite or"
        ):
            await look(engine)


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        ("40001", LedgerUnavailableError, "was changed by others at every try"),
        ("53100", LedgerUnavailableError, "free space on its disk"),
        ("53300", LedgerUnavailableError, "has no room for another connection"),
        ("55P03", LedgerUnavailableError, "expected the lock within 10 s"),
        ("57P01", LedgerUnavailableError, "is starting, stopping, or ended this statement"),
        ("57014", LedgerUnavailableError, "is starting, stopping, or ended this statement"),
        ("XX001", LedgerCorruptError, "is damaged"),
        ("99999", LedgerUnavailableError, "gave no answer"),
    ],
)
def test_what_a_code_of_the_server_means(code: str, kind: type[LedgerError], told: str) -> None:
    error = asyncpg.PostgresError.new({"C": code, "M": "a value"})
    meant = meaning(error, "x")
    assert isinstance(meant, kind)
    assert told in str(meant)
    assert "a value" not in str(meant)
