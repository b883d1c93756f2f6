"""What each instance of the application holds."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instances",
        Column("name", String(128), primary_key=True),
        Column("jwt_generation", BigInteger, nullable=False, index=True),
        Column("jwt_since", String(32), nullable=False),
        Column("aes_generation", BigInteger, nullable=False, index=True),
        Column("aes_since", String(32), nullable=False),
        Column("reported_at", String(32), nullable=False),
        Column("expires_at", String(32), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("instances")
