"""What a camera's owner declares of the colour terms' change with air mass."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "camera_versions",
        sa.Column(
            "second_order_extinction",
            postgresql.JSONB(none_as_null=True),
            nullable=True,
        ),
        schema="core",
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_column("camera_versions", "second_order_extinction", schema="core")
