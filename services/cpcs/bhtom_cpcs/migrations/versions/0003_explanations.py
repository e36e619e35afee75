"""Explanations beside the plots, and a camera's requests by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SCHEMA = "cpcs"


def upgrade() -> None:
    """Make them."""
    op.add_column(
        "calibrations", sa.Column("explanation_key", sa.Text()), schema=_SCHEMA
    )
    op.create_index(
        "ix_calibrations_explanation_key",
        "calibrations",
        ["explanation_key"],
        schema=_SCHEMA,
        postgresql_where=sa.text("explanation_key IS NOT NULL"),
    )
    op.create_index(
        "ix_calibration_requests_camera",
        "calibration_requests",
        [sa.text("(((request -> 'camera') ->> 'camera_id')::bigint)")],
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_index(
        "ix_calibration_requests_camera", "calibration_requests", schema=_SCHEMA
    )
    op.drop_index("ix_calibrations_explanation_key", "calibrations", schema=_SCHEMA)
    op.drop_column("calibrations", "explanation_key", schema=_SCHEMA)
