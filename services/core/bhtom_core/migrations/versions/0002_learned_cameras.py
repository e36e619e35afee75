"""What the suite learnt of a camera, and why a version was made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column(
        "camera_versions",
        sa.Column("learned", postgresql.JSONB(none_as_null=True), nullable=True),
        schema="core",
    )
    op.add_column(
        "camera_versions",
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        schema="core",
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_column("camera_versions", "note", schema="core")
    op.drop_column("camera_versions", "learned", schema="core")
