"""Tables of observatories, cameras and the versions of cameras."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bhtom_core.columns import moment, number, person, version, words
from bhtom_core.schema import metadata

observatories = Table(
    "observatories",
    metadata,
    Column("observatory_id", BigInteger, Identity(always=True), primary_key=True),
    words("name", default=None),
    number("longitude", optional=False),
    number("latitude", optional=False),
    number("altitude", optional=False),
    words("telescope"),
    number("aperture"),
    number("focal_length"),
    words("comment"),
    person("owner_id"),
    version(),
    moment("created_at"),
    moment("modified_at"),
    CheckConstraint("longitude BETWEEN -180 AND 360", name="longitude"),
    CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
    CheckConstraint("altitude BETWEEN -500 AND 9000", name="altitude"),
    Index("uq_observatories_name", text("lower(name)"), unique=True),
)

cameras = Table(
    "cameras",
    metadata,
    Column("camera_id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "observatory_id",
        BigInteger,
        ForeignKey("core.observatories.observatory_id"),
        nullable=False,
    ),
    words("camera_name", default=None),
    words("oname", default=None),
    person("owner_id"),
    Column("camera_version", Integer, nullable=False, server_default=text("1")),
    words("approval", default="pending"),
    words("approval_reason"),
    person("approved_by", optional=True),
    Column("active", Boolean, nullable=False, server_default=text("false")),
    # Whether the operator's rule may accept what its frames teach.
    Column("follows_rule", Boolean, nullable=False, server_default=text("true")),
    version(),
    moment("created_at"),
    moment("modified_at"),
    moment("deleted_at", optional=True),
    CheckConstraint("approval IN ('pending', 'approved', 'rejected')", name="approval"),
    CheckConstraint("NOT active OR approval = 'approved'", name="active_is_approved"),
    Index("uq_cameras_oname", text("lower(oname)"), unique=True),
    Index("ix_cameras_owner_id", "owner_id"),
    Index("ix_cameras_observatory_id", "observatory_id"),
)

camera_versions = Table(
    "camera_versions",
    metadata,
    Column(
        "camera_id", BigInteger, ForeignKey("core.cameras.camera_id"), primary_key=True
    ),
    Column("camera_version", Integer, primary_key=True),
    # Where it stood then, so that a reduction of this version can be repeated.
    words("observatory_name", default=None),
    number("longitude", optional=False),
    number("latitude", optional=False),
    number("altitude", optional=False),
    number("gain"),
    number("readout_noise"),
    number("saturation_level"),
    number("pixel_scale"),
    # n of the n x n binning that the figures are of; null is 1.
    Column("binning", Integer),
    words("date_keyword", default="DATE-OBS"),
    words("time_keyword", default="TIME-OBS"),
    words("exposure_time_keyword", default="EXPTIME"),
    words("filter_keyword", default="FILTER"),
    # Change of colour terms with air mass, by passband, as its owner declares it.
    Column("second_order_extinction", JSONB(none_as_null=True)),
    # What the suite learnt of it, as one document; null before anybody accepted any.
    Column("learned", JSONB(none_as_null=True)),
    # Why this version was made.
    words("note"),
    # Nobody where the operator's rule made it; the note tells the rule.
    person("created_by", optional=True),
    moment("created_at"),
    CheckConstraint("gain > 0", name="gain"),
    CheckConstraint("readout_noise >= 0", name="readout_noise"),
    CheckConstraint("saturation_level > 0", name="saturation_level"),
    CheckConstraint("pixel_scale > 0", name="pixel_scale"),
    CheckConstraint("binning BETWEEN 1 AND 16", name="binning"),
)
