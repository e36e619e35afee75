"""A release of a catalogue is tied to each passband, and not to all of them at once."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SCHEMA = "cpcs"
_NAME = "pk_catalogue_pins"
_BEFORE = ("target_id", "camera_id", "catalogue")
_AFTER = (*_BEFORE, "passband")

# What was tied stays tied: in every passband that a frame was ever calibrated to with
# the catalogue.
_SPREAD = """
WITH before AS (
  DELETE FROM cpcs.catalogue_pins
  RETURNING target_id, camera_id, catalogue, release, calibration_id, decided_at
)
INSERT INTO cpcs.catalogue_pins
  (target_id, camera_id, catalogue, passband, release, calibration_id, decided_at)
SELECT DISTINCT b.target_id, b.camera_id, b.catalogue,
       c.result #>> '{zero_point,passband}', b.release, b.calibration_id, b.decided_at
FROM before b
JOIN cpcs.calibration_requests r
  ON r.target_id = b.target_id AND r.purpose = 'record'
  AND (r.request #>> '{camera,camera_id}')::bigint = b.camera_id
JOIN cpcs.calibrations c ON c.calibration_request_id = r.id
WHERE c.result #>> '{provenance,catalogue_name}' = b.catalogue
  AND c.result #>> '{zero_point,passband}' IS NOT NULL
  AND coalesce(c.result #>> '{zero_point,source}', '') <> 'borrowed'
"""
_JOIN = """
DELETE FROM cpcs.catalogue_pins p USING cpcs.catalogue_pins other
WHERE (p.target_id, p.camera_id, p.catalogue)
      = (other.target_id, other.camera_id, other.catalogue)
  AND (p.decided_at, p.passband) < (other.decided_at, other.passband)
"""


def upgrade() -> None:
    """Tie each passband to what all were tied to."""
    op.add_column("catalogue_pins", sa.Column("passband", sa.Text()), schema=_SCHEMA)
    op.drop_constraint(_NAME, "catalogue_pins", schema=_SCHEMA)
    op.execute(sa.text(_SPREAD))
    op.alter_column("catalogue_pins", "passband", nullable=False, schema=_SCHEMA)
    op.create_primary_key(_NAME, "catalogue_pins", list(_AFTER), schema=_SCHEMA)


def downgrade() -> None:
    """Tie all passbands to what the last of them was tied to."""
    op.execute(sa.text(_JOIN))
    op.drop_constraint(_NAME, "catalogue_pins", schema=_SCHEMA)
    op.drop_column("catalogue_pins", "passband", schema=_SCHEMA)
    op.create_primary_key(_NAME, "catalogue_pins", list(_BEFORE), schema=_SCHEMA)
