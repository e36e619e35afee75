"""What frames tell of a target's neighbourhood, and stars that people dropped."""

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
from sqlalchemy.dialects.postgresql import JSONB

from bhtom_cpcs.schema import METADATA

# One row a target on a plane, as `target_evidence`. `tells` is false of frames that are
# not good enough or do not show the target by itself. Among the `stars` is, by its
# `kind`, the light about the target that is no star's.
SCENE_EVIDENCE: Final = Table(
    "scene_evidence",
    METADATA,
    Column("data_product_id", BigInteger, primary_key=True, autoincrement=False),
    Column("plane", Integer, primary_key=True, autoincrement=False),
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("change_id", BigInteger, Identity(always=False), nullable=False),
    Column("request_order", Integer, nullable=False),
    Column("calibration_id", BigInteger, nullable=False),
    Column("camera_id", BigInteger, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("embargo_until", DateTime(timezone=True)),
    Column("mid_exposure_mjd", Double, nullable=False),
    Column("night", Integer, nullable=False),
    Column("passband", Text, nullable=False),
    Column("scene_version", Integer, nullable=False),
    Column("tells", Boolean, nullable=False),
    Column("fwhm_arcsec", Double),
    Column("depth", Double),
    Column("stars", JSONB, nullable=False),
    Column("considered", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint(
        "NOT tells OR num_nulls(fwhm_arcsec, depth) = 0", name="what_it_tells"
    ),
    Index("ix_scene_evidence_target", "target_id", "scene_version"),
    Index(
        "ix_scene_evidence_not_considered",
        "change_id",
        postgresql_where=text("NOT considered"),
    ),
)

# A star of a scene that somebody says is none of the target's neighbours.
SCENE_RULINGS: Final = Table(
    "scene_rulings",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("target_id", BigInteger, nullable=False),
    Column("ra", Double, nullable=False),
    Column("dec", Double, nullable=False),
    Column("why", Text, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    Column(
        "ruled_at", DateTime(timezone=True), nullable=False, server_default=func.now()
    ),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("withdrawn_by", Text),
    CheckConstraint(
        "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"
    ),
    Index("ix_scene_rulings_target", "target_id"),
)
