"""Answers from before revision 0003 whose measurements are to be asked for once more.

What an answer measured is known to cpcs alone: it sends stored answers again when the
same request comes again. So the migration only notes which ones are missing, and a job
asks for them in small batches (`recalibrations/earlier_answers.py`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SCHEMA = "upload"

# Of each product the newest request that measured something: its values stand.
_NOTE_MISSING = """
INSERT INTO upload.missing_measurements (data_product_id, request_order)
SELECT newest.data_product_id, newest.request_order
FROM (
  SELECT p.data_product_id, max(p.request_order) AS request_order
  FROM upload.planes p
  JOIN upload.data_products d ON d.data_product_id = p.data_product_id
  JOIN upload.calibration_requests r ON r.data_product_id = p.data_product_id
    AND r.request_order = p.request_order
  WHERE p.answer = 'calibrated' AND r.purpose <> 'preview' AND d.state <> 'deleted'
  GROUP BY p.data_product_id
) newest
WHERE NOT EXISTS (
  SELECT 1 FROM upload.plane_measurements m
  WHERE m.data_product_id = newest.data_product_id
    AND m.request_order = newest.request_order
)
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    """Make the list and fill it."""
    op.create_table(
        "missing_measurements",
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column("request_order", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "times_asked", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["data_product_id"],
            ["upload.data_products.data_product_id"],
            name=op.f("fk_missing_measurements_data_product_id_data_products"),
        ),
        sa.PrimaryKeyConstraint(
            "data_product_id", "request_order", name=op.f("pk_missing_measurements")
        ),
        schema=_SCHEMA,
    )
    op.execute(sa.text(_NOTE_MISSING))


def downgrade() -> None:
    """Remove it; what came meanwhile stays."""
    op.drop_table("missing_measurements", schema=_SCHEMA)
