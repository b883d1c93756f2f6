"""The ledger's tables, in types that SQLite and PostgreSQL agree on.

A moment is ISO 8601 text in UTC with microseconds, always 32 characters, so that it sorts as it passes and no driver
interprets it. Spans and counts are integers with their unit in the name.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from journal_keys.domain.keys import Family

metadata: Final = MetaData()


def _moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, String(32), nullable=nullable)


def _ring() -> Column[Any]:
    return Column("family", String(16), ForeignKey("rings.family"), primary_key=True)


rings: Final = Table(
    "rings",
    metadata,
    Column("family", String(16), primary_key=True),
    Column("generation", BigInteger, nullable=False),
    _moment("changed_at"),
)

key_versions: Final = Table(
    "key_versions",
    metadata,
    _ring(),
    Column("kid", String(64), primary_key=True),
    Column("algorithm", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("public_jwk", Text),
    Column("state", String(16), nullable=False),
    _moment("created_at"),
    _moment("published_at"),
    _moment("activated_at", nullable=True),
    _moment("deactivated_at", nullable=True),
    _moment("compromised_at", nullable=True),
    _moment("destroyed_at", nullable=True),
    Column("derived_kid", String(64)),
)

rotations: Final = Table(
    "rotations",
    metadata,
    Column("rotation_id", Text, primary_key=True),
    _ring(),
    Column("scope", String(16), nullable=False),
    Column("force", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("status", String(16), nullable=False),
    _moment("opened_at"),
    Column("old_kid", String(64)),
    Column("new_kid", String(64)),
    Column("generation", BigInteger),
    _moment("settled_at", nullable=True),
    Index("ix_rotations_family_status", "family", "status"),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    _moment("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("family", String(16)),
    Column("kid", String(64)),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

key_usage: Final = Table(
    "key_usage",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("encryptions", BigInteger, nullable=False),
)

ledger_clock: Final = Table(
    "ledger_clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _moment("at", nullable=True),
    _moment("wall", nullable=True),
    Column("uptime_us", BigInteger),
    Column("boot", Text),
)
"""One row, id 1, put there by the migration; empty until the first change. Every writer locks it first."""

instances: Final = Table(
    "instances",
    metadata,
    Column("name", String(128), primary_key=True),
    *(
        column
        for family in Family
        for column in (
            Column(f"{family.value}_generation", BigInteger, nullable=False),
            _moment(f"{family.value}_since"),
        )
    ),
    _moment("reported_at"),
    _moment("expires_at"),
    *(Index(f"ix_instances_{family.value}_generation", f"{family.value}_generation", "name") for family in Family),
)
"""One row per instance. A report that only lives on touches no index; who is behind is read in the order of one."""

webhook_deliveries: Final = Table(
    "webhook_deliveries",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("received_at", String(32), nullable=False, index=True),
)
"""One row per delivery that was taken, for as long as it may come again."""

webhook_secrets: Final = Table(
    "webhook_secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    _moment("made_at"),
    _moment("used_at", nullable=True),
)

replies: Final = Table(
    "replies",
    metadata,
    Column("actor", String(128), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("made_at", String(32), nullable=False, index=True),
)
"""What callers of the admin plane were answered, for as long as they may ask again."""

clock_marks: Final = Table(
    "clock_marks",
    metadata,
    Column("boot", Text, primary_key=True),
    _moment("at"),
    _moment("wall"),
    Column("uptime_us", BigInteger, nullable=False),
)
"""What each boot of each host kept last."""
