"""The first tables."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Text, column, table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_rings()
    _create_rotations()
    _create_audit()
    _create_counters()


def _create_rings() -> None:
    op.create_table(
        "rings",
        Column("family", String(16), primary_key=True),
        Column("generation", BigInteger, nullable=False),
        Column("changed_at", String(32), nullable=False),
    )
    op.create_table(
        "key_versions",
        Column("family", String(16), ForeignKey("rings.family"), primary_key=True),
        Column("kid", String(64), primary_key=True),
        Column("algorithm", String(16), nullable=False),
        Column("digest", String(64), nullable=False),
        Column("public_jwk", Text),
        Column("state", String(16), nullable=False),
        Column("created_at", String(32), nullable=False),
        Column("published_at", String(32), nullable=False),
        Column("activated_at", String(32)),
        Column("deactivated_at", String(32)),
        Column("compromised_at", String(32)),
        Column("destroyed_at", String(32)),
    )


def _create_rotations() -> None:
    op.create_table(
        "rotations",
        Column("rotation_id", Text, primary_key=True),
        Column("family", String(16), ForeignKey("rings.family"), primary_key=True),
        Column("scope", String(16), nullable=False),
        Column("force", Boolean, nullable=False),
        Column("reason", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("status", String(16), nullable=False),
        Column("opened_at", String(32), nullable=False),
        Column("old_kid", String(64)),
        Column("new_kid", String(64)),
        Column("generation", BigInteger),
        Column("settled_at", String(32)),
    )
    op.create_index("ix_rotations_family_status", "rotations", ["family", "status"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        Column("at", String(32), nullable=False),
        Column("actor", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("family", String(16)),
        Column("kid", String(64)),
        Column("reason", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("previous_hash", String(64), nullable=False),
        Column("hash", String(64), nullable=False),
    )


def _create_counters() -> None:
    op.create_table(
        "key_usage",
        Column("kid", String(64), primary_key=True),
        Column("encryptions", BigInteger, nullable=False),
    )
    op.create_table(
        "ledger_clock",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("at", String(32)),
        Column("wall", String(32)),
        Column("uptime_us", BigInteger),
        Column("boot", Text),
    )
    op.bulk_insert(table("ledger_clock", column("id", Integer)), [{"id": 1}])


def downgrade() -> None:
    for name in ("ledger_clock", "key_usage", "audit", "rotations", "key_versions", "rings"):
        op.drop_table(name)
