"""Hosts that share a ledger: what each boot kept of the clock."""

from alembic import op
from sqlalchemy import BigInteger, Column, String, Text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clock_marks",
        Column("boot", Text, primary_key=True),
        Column("at", String(32), nullable=False),
        Column("wall", String(32), nullable=False),
        Column("uptime_us", BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("clock_marks")
