"""A frame's flux by other estimators than the point's own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "point_revisions",
        sa.Column(
            "other_fluxes",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        schema="core",
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_column("point_revisions", "other_fluxes", schema="core")
