"""Evidence says who may see it, follows its product, and counts what stars showed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SCHEMA = "cpcs"
_ACCESS = ("target_id", "owner_id", "visibility")

# Evidence of a calibration that another answer has replaced since.
_WITHOUT_CALIBRATION = """
DELETE FROM cpcs.frame_evidence e WHERE NOT EXISTS
  (SELECT 1 FROM cpcs.calibrations c WHERE c.id = e.calibration_id)
"""
_FILL_ACCESS = """
UPDATE cpcs.frame_evidence e
SET target_id = r.target_id, owner_id = r.owner_id, visibility = r.visibility,
    embargo_until = r.embargo_until
FROM cpcs.calibrations c JOIN cpcs.calibration_requests r
  ON r.id = c.calibration_request_id
WHERE c.id = e.calibration_id
"""
# One band was asked for: the stars had no choice, so nothing says what the card means.
_FORCED = r"""
UPDATE cpcs.frame_evidence
SET shown_bands = '{}', considered = false,
    change_id = nextval(pg_get_serial_sequence('cpcs.frame_evidence', 'change_id'))
WHERE declared_filter !~* '^\s*([^/]*/)?\s*(no|auto|any|ugriz|ubvri)?\s*$'
"""
# A magnitude whose zero point is in doubt makes no colour.
_DOUBTFUL_MAGNITUDES = """
UPDATE cpcs.target_evidence e SET magnitude = NULL, magnitude_error = NULL
FROM cpcs.calibrations c
WHERE c.id = e.calibration_id AND e.magnitude IS NOT NULL
  AND (coalesce(c.result #> '{zero_point,flags}', '[]')
       || coalesce(c.result -> 'flags', '[]'))
      - ARRAY['colour_assumed', 'noise_empirical'] <> '[]'
"""
# The sentence of a borrowed zero point named the calibration that had lent it.
_NAMED_LENDERS = r"""
UPDATE cpcs.calibrations SET
  result = regexp_replace(
    result::text, 'calibration \d+ of the', 'another frame of the', 'g')::jsonb,
  answer = regexp_replace(
    answer::text, 'calibration \d+ of the', 'another frame of the', 'g')::jsonb,
  message = regexp_replace(
    message, 'calibration \d+ of the', 'another frame of the', 'g')
WHERE result #>> '{zero_point,source}' = 'borrowed'
"""


def upgrade() -> None:
    """Make them, and bring what is kept already up to the same rules."""
    op.create_table(
        "data_product_replicas",
        sa.Column(
            "data_product_id", sa.BigInteger(), autoincrement=False, nullable=False
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("aggregate_version", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint(
            "data_product_id", name=op.f("pk_data_product_replicas")
        ),
        schema=_SCHEMA,
    )
    op.add_column(
        "mean_positions",
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        schema=_SCHEMA,
    )
    for column in (
        sa.Column("target_id", sa.BigInteger()),
        sa.Column("owner_id", sa.BigInteger()),
        sa.Column("visibility", sa.Text()),
        sa.Column("embargo_until", sa.DateTime(timezone=True)),
    ):
        op.add_column("frame_evidence", column, schema=_SCHEMA)
    for statement in (
        _WITHOUT_CALIBRATION,
        _FILL_ACCESS,
        _FORCED,
        _DOUBTFUL_MAGNITUDES,
        _NAMED_LENDERS,
    ):
        op.execute(sa.text(statement))
    for name in _ACCESS:
        op.alter_column("frame_evidence", name, nullable=False, schema=_SCHEMA)


def downgrade() -> None:
    """Remove them; what was brought up to the rules stays so."""
    for name in (*_ACCESS, "embargo_until"):
        op.drop_column("frame_evidence", name, schema=_SCHEMA)
    op.drop_column("mean_positions", "withdrawn_at", schema=_SCHEMA)
    op.drop_table("data_product_replicas", schema=_SCHEMA)
