"""What was last proposed for a camera."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

_SCHEMA = "cpcs"


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "camera_proposals",
        sa.Column("camera_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("considered_until", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column(
            "looked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera_proposals")),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("camera_proposals", schema=_SCHEMA)
