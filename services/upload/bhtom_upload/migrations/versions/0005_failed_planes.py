"""Planes that failed, so that campaigns can take them by their time and version."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SCHEMA = "upload"

_FAILED_BEFORE = """
INSERT INTO upload.plane_failures (
  data_product_id, request_order, plane, mid_exposure_mjd, method, software_version,
  settings_version, finished_at
)
SELECT data_product_id, request_order, plane, NULL, '', '', '', finished_at
FROM upload.planes
WHERE answer = 'failed' AND finished_at IS NOT NULL
"""


def upgrade() -> None:
    """Make the table; of failures before, no more is known than when they ended."""
    op.create_table(
        "plane_failures",
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column("request_order", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mid_exposure_mjd", sa.Double(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("software_version", sa.Text(), nullable=False),
        sa.Column("settings_version", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["data_product_id"],
            ["upload.data_products.data_product_id"],
            name=op.f("fk_plane_failures_data_product_id_data_products"),
        ),
        sa.PrimaryKeyConstraint(
            "data_product_id",
            "request_order",
            "plane",
            name=op.f("pk_plane_failures"),
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_plane_failures_time",
        "plane_failures",
        ["mid_exposure_mjd"],
        unique=False,
        schema=_SCHEMA,
    )
    op.execute(sa.text(_FAILED_BEFORE))


def downgrade() -> None:
    """Take it away."""
    op.drop_table("plane_failures", schema=_SCHEMA)
