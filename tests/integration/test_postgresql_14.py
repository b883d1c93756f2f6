"""PostgreSQL 14 is promised and a newer one is at hand: every word that we send is one that 14 has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.tables import metadata
from tests.support.postgres_server import PostgresServer
from tests.support.served_app import made_rings, running

_OF_14: Final = """
add alter and any array as asc bigint boolean by case clock_timestamp coalesce column commit
constraint count create delete desc
distinct drop else end exists false for foreign from group if in index insert integer into is join key left limit
max min not null
on or order outer pg_advisory_xact_lock pg_catalog pg_class pg_namespace pg_table_is_visible primary references
returning rollback select set share skip locked sum table text then true unique update values varchar when where
nspname oid relkind relname relnamespace
"""
OF_14: Final = frozenset(_OF_14.split())
"""Words and functions that its manual describes (postgresql.org/docs/14), as far as a ledger may need them."""

TABLES: Final = list(metadata.tables.values())
OURS: Final = frozenset(
    [
        *(table.name for table in TABLES),
        *(column.name for table in TABLES for column in table.columns),
        *(str(index.name) for table in TABLES for index in table.indexes),
        *("alembic_version", "alembic_version_pkc", "version_num"),
    ]
)


def not_of_14(statement: str) -> frozenset[str]:
    """The words of a statement that are neither in the list nor names of ours; literals and labels are left out."""
    bare = re.sub(r"'[^']*'|\bAS \w+|\$\d+(::\w+)?", "", statement)
    return frozenset(re.findall(r"[a-z_]\w*", bare.lower())) - OF_14 - OURS


@pytest.fixture
def sent() -> Iterator[set[str]]:
    """Every statement that an engine sends meanwhile."""
    seen: set[str] = set()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.add(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


async def test_a_whole_life_sends_only_words_that_14_has(
    postgres: PostgresServer, tmp_path: Path, sent: set[str]
) -> None:
    settings = await made_rings(postgres, tmp_path, has_tables=False)
    async with ledger_engine(settings.ledger_url) as engine, running(settings, engine) as app:
        await app.rotate("once")
        assert await app.is_sound()
        await app.container.report_instance()()
        await app.container.report_instance().leave()
        await app.container.check_health()()
    assert len(sent) >= 40, "the life was too short to show anything"
    assert {statement: words for statement in sent if (words := not_of_14(statement))} == {}


@pytest.mark.parametrize(
    "statement",
    [
        "MERGE INTO rings USING rotations ON true WHEN MATCHED THEN UPDATE SET generation = 1",
        "CREATE UNIQUE INDEX one ON rings (family) NULLS NOT DISTINCT",
        "SELECT regexp_count(reason, 'x') FROM audit",
        "SELECT any_value(kid) FROM key_versions",
    ],
    ids=["merge", "nulls not distinct", "a function of 15", "a function of 16"],
)
def test_what_14_lacks_is_found(statement: str) -> None:
    assert not_of_14(statement)
