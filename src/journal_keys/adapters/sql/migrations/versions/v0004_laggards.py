"""Instances that are behind are found in the order in which they are shown."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index("name")


def downgrade() -> None:
    _index()


def _index(*further: str) -> None:
    for family in ("jwt", "aes"):
        op.drop_index(f"ix_instances_{family}_generation", "instances")
        op.create_index(f"ix_instances_{family}_generation", "instances", [f"{family}_generation", *further])
