"""Evidence of every frame, what was decided from it, and who overruled it."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from bhtom_cpcs.decisions.domain import RulingKind
from bhtom_cpcs.schema import METADATA

_RULINGS: Final = ", ".join(f"'{kind}'" for kind in RulingKind)


def _now(name: str) -> Column[object]:
    return Column(
        name, DateTime(timezone=True), nullable=False, server_default=func.now()
    )


# One row a plane and one a target on it, of the newest recorded request: a
# re-calibration takes the place of what the same plane said before. `change_id` is new
# with every write, so that what was considered is marked and nothing that came later.
FRAME_EVIDENCE: Final = Table(
    "frame_evidence",
    METADATA,
    Column("data_product_id", BigInteger, primary_key=True, autoincrement=False),
    Column("plane", Integer, primary_key=True, autoincrement=False),
    Column("change_id", BigInteger, Identity(always=False), nullable=False),
    Column("request_order", Integer, nullable=False),
    Column("calibration_id", BigInteger, nullable=False),
    Column("camera_id", BigInteger, nullable=False),
    # Who could see the frame when it was asked for; `replicas.visibility` says who may.
    Column("target_id", BigInteger, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("embargo_until", DateTime(timezone=True)),
    Column("filter_card", Text, nullable=False),
    Column("declared_filter", Text, nullable=False),
    Column("mid_exposure_mjd", Double, nullable=False),
    Column("night", Integer, nullable=False),
    Column("shown_bands", ARRAY(Text), nullable=False),
    Column("passband", Text, nullable=False),
    Column("zero_point", Double, nullable=False),
    Column("zero_point_error", Double, nullable=False),
    Column("exposure_time_s", Double, nullable=False),
    Column("air_mass", Double),
    Column("lends_zero_point", Boolean, nullable=False),
    Column("field_radius_deg", Double),
    Column("considered", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("plane >= 0", name="plane"),
    CheckConstraint("zero_point_error >= 0", name="zero_point_error"),
    Index(
        "ix_frame_evidence_filter",
        "camera_id",
        "filter_card",
        "declared_filter",
        "mid_exposure_mjd",
    ),
    Index("ix_frame_evidence_night", "camera_id", "mid_exposure_mjd"),
    Index(
        "ix_frame_evidence_not_considered",
        "change_id",
        postgresql_where=text("NOT considered"),
    ),
)

TARGET_EVIDENCE: Final = Table(
    "target_evidence",
    METADATA,
    Column("data_product_id", BigInteger, primary_key=True, autoincrement=False),
    Column("plane", Integer, primary_key=True, autoincrement=False),
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("change_id", BigInteger, Identity(always=False), nullable=False),
    Column("request_order", Integer, nullable=False),
    Column("calibration_id", BigInteger, nullable=False),
    Column("camera_id", BigInteger, nullable=False),
    Column("mid_exposure_mjd", Double, nullable=False),
    Column("passband", Text, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("embargo_until", DateTime(timezone=True)),
    # Null where the frame is not good enough for it.
    Column("magnitude", Double),
    Column("magnitude_error", Double),
    Column("ra", Double),
    Column("dec", Double),
    Column("ra_error_arcsec", Double),
    Column("dec_error_arcsec", Double),
    Column("considered", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint(
        "(magnitude IS NULL) = (magnitude_error IS NULL)", name="magnitude"
    ),
    CheckConstraint(
        "num_nulls(ra, dec, ra_error_arcsec, dec_error_arcsec) IN (0, 4)",
        name="position",
    ),
    CheckConstraint("ra_error_arcsec > 0 AND dec_error_arcsec > 0", name="errors"),
    Index("ix_target_evidence_target", "target_id", "mid_exposure_mjd"),
    Index(
        "ix_target_evidence_not_considered",
        "change_id",
        postgresql_where=text("NOT considered"),
    ),
)

# Every version of what a card was held to mean; the newest one counts.
BAND_SETTLEMENTS: Final = Table(
    "band_settlements",
    METADATA,
    Column("camera_id", BigInteger, primary_key=True, autoincrement=False),
    Column("filter_card", Text, primary_key=True),
    Column("declared_filter", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("intervals", JSONB, nullable=False),
    _now("decided_at"),
    CheckConstraint("version >= 1", name="version"),
)

BAND_RULINGS: Final = Table(
    "band_rulings",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("camera_id", BigInteger, nullable=False),
    Column("filter_card", Text, nullable=False),
    Column("declared_filter", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("passband", Text),
    Column("valid_from_mjd", Double),
    Column("valid_until_mjd", Double),
    Column("why", Text, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    _now("ruled_at"),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("withdrawn_by", Text),
    CheckConstraint(f"kind IN ({_RULINGS})", name="kind"),
    CheckConstraint("(kind = 'clear') = (passband IS NULL)", name="passband"),
    CheckConstraint("valid_from_mjd < valid_until_mjd", name="interval"),
    CheckConstraint(
        "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"
    ),
    Index("ix_band_rulings_filter", "camera_id", "filter_card", "declared_filter"),
)

SCENES: Final = Table(
    "scenes",
    METADATA,
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("radius_arcsec", Double, nullable=False),
    Column("source", Text, nullable=False),
    Column("stars", JSONB, nullable=False),
    # What the stars that frames found rest on, in the order of these stars.
    Column("learnt", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("calibration_id", BigInteger, nullable=False),
    _now("decided_at"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("radius_arcsec > 0", name="radius"),
)

MEAN_POSITIONS: Final = Table(
    "mean_positions",
    METADATA,
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("ra", Double, nullable=False),
    Column("dec", Double, nullable=False),
    Column("epoch_jyear", Double, nullable=False),
    Column("ra_error_arcsec", Double, nullable=False),
    Column("dec_error_arcsec", Double, nullable=False),
    Column("n_frames", Integer, nullable=False),
    _now("decided_at"),
    # Since when too few of the frames that it rests on are still there.
    Column("withdrawn_at", DateTime(timezone=True)),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("ra >= 0 AND ra < 360", name="ra"),
    CheckConstraint("dec BETWEEN -90 AND 90", name="dec"),
)

# The catalogue is the one that a request names: another's band may be joined to it.
CATALOGUE_PINS: Final = Table(
    "catalogue_pins",
    METADATA,
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("camera_id", BigInteger, primary_key=True, autoincrement=False),
    Column("catalogue", Text, primary_key=True),
    Column("passband", Text, primary_key=True),
    Column("release", Text, nullable=False),
    Column("calibration_id", BigInteger, nullable=False),
    _now("decided_at"),
)
