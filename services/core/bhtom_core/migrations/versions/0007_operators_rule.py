"""Versions of cameras that the operator's rule makes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SCHEMA = "core"


def upgrade() -> None:
    """A camera may follow the rule, and a version needs nobody who made it."""
    op.add_column(
        "cameras",
        sa.Column(
            "follows_rule", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        schema=_SCHEMA,
    )
    op.alter_column("camera_versions", "created_by", nullable=True, schema=_SCHEMA)


def downgrade() -> None:
    """Back; what the rule made is then its camera's owner's."""
    op.execute(
        sa.text(
            "UPDATE core.camera_versions v SET created_by = c.owner_id "
            "FROM core.cameras c WHERE c.camera_id = v.camera_id "
            "AND v.created_by IS NULL"
        )
    )
    op.alter_column("camera_versions", "created_by", nullable=False, schema=_SCHEMA)
    op.drop_column("cameras", "follows_rule", schema=_SCHEMA)
