"""Which webhooks were taken, and which of their secrets count."""

from alembic import op
from sqlalchemy import Column, String

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


def downgrade() -> None:
    op.drop_table("webhook_secrets")
    op.drop_table("webhook_deliveries")
