"""Which webhooks were taken, which of their secrets count, and what repeated requests are answered."""

from alembic import op
from sqlalchemy import Column, Integer, String, Text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_deliveries",
        Column("digest", String(64), primary_key=True),
        Column("received_at", String(32), nullable=False, index=True),
    )
    op.create_table(
        "webhook_secrets",
        Column("name", String(64), primary_key=True),
        Column("made_at", String(32), nullable=False),
        Column("used_at", String(32)),
    )
    op.create_table(
        "replies",
        Column("actor", String(128), primary_key=True),
        Column("key", String(255), primary_key=True),
        Column("digest", String(64), nullable=False),
        Column("status", Integer, nullable=False),
        Column("body", Text, nullable=False),
        Column("made_at", String(32), nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("replies")
    op.drop_table("webhook_secrets")
    op.drop_table("webhook_deliveries")
