"""Imported keys keep the kid that they had, beside the one that was derived from them."""

from alembic import op
from sqlalchemy import Column, String

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("key_versions", Column("derived_kid", String(64)))


def downgrade() -> None:
    op.drop_column("key_versions", "derived_kid")
