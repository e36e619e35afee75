"""The binning that a camera's figures are of."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SCHEMA = "core"


def upgrade() -> None:
    """Add the column; a version without it is of no binning."""
    op.add_column(
        "camera_versions",
        sa.Column("binning", sa.Integer(), nullable=True),
        schema=_SCHEMA,
    )
    op.create_check_constraint(
        op.f("ck_camera_versions_binning"),
        "camera_versions",
        "binning BETWEEN 1 AND 16",
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_column("camera_versions", "binning", schema=_SCHEMA)
