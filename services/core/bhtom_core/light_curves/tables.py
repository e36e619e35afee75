"""Tables of points, their revisions, and what was answered about them."""

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
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from bhtom_core.columns import (
    moment,
    number,
    person,
    version,
    visibility,
    visibility_check,
    words,
)
from bhtom_core.schema import metadata

_EXCEPTIONAL = text("hidden_at IS NULL AND (NOT listed OR copy_of IS NOT NULL)")


def _target() -> "Column[int]":
    return Column(
        "target_id", BigInteger, ForeignKey("core.targets.target_id"), nullable=False
    )


points = Table(
    "points",
    metadata,
    Column("point_id", BigInteger, Identity(always=True), primary_key=True),
    # Identity is provenance: nothing here depends on what was measured.
    _target(),
    words("source", default=None),
    words("record", default=None),
    words("component", default=None),
    Column("data_product_id", BigInteger),
    Column("plane", Integer),
    # Frames only: equal pixels and dates make copies, of which `copy_of` is the first.
    Column("fingerprint", Text),
    Column("copy_of", BigInteger, ForeignKey("core.points.point_id")),
    # Null for archives: theirs belong to nobody and are public.
    person("owner_id", optional=True),
    visibility(),
    moment("embargo_until", optional=True),
    visibility("product_visibility"),
    moment("product_embargo_until", optional=True),
    moment("hidden_at", optional=True),
    person("hidden_by", optional=True),
    words("hidden_reason"),
    # Which revision counts: the one of the newest request, whatever arrived first.
    Column("current_revision", Integer, nullable=False),
    Column("current_order", BigInteger, nullable=False),
    Column("revision_count", Integer, nullable=False),
    # Of the current revision, to read a light curve in order.
    number("mjd", optional=False),
    # Whether anybody who may see the target sees the point on its light curve.
    Column("listed", Boolean, nullable=False, server_default=text("false")),
    # What outside subscribers were told last; null when nothing or withdrawn.
    Column("published_revision", Integer),
    moment("created_at"),
    moment("modified_at"),
    visibility_check(),
    visibility_check("product_visibility"),
    CheckConstraint("current_revision <= revision_count", name="current_revision"),
    CheckConstraint("(hidden_at IS NULL) = (hidden_by IS NULL)", name="hidden"),
    Index(
        "uq_points_identity", "source", "record", "component", "target_id", unique=True
    ),
    Index("ix_points_target_id_mjd", "target_id", "mjd", "point_id"),
    Index("ix_points_exceptional", "target_id", postgresql_where=_EXCEPTIONAL),
    Index(
        "ix_points_fingerprint",
        "fingerprint",
        "component",
        "target_id",
        postgresql_where=text("fingerprint IS NOT NULL"),
    ),
    Index(
        "ix_points_data_product_id",
        "data_product_id",
        postgresql_where=text("data_product_id IS NOT NULL"),
    ),
    Index(
        "ix_points_embargo",
        text("least(embargo_until, product_embargo_until)"),
        postgresql_where=text(
            "embargo_until IS NOT NULL OR product_embargo_until IS NOT NULL"
        ),
    ),
)

point_revisions = Table(
    "point_revisions",
    metadata,
    Column(
        "point_id", BigInteger, ForeignKey("core.points.point_id"), primary_key=True
    ),
    Column("revision", Integer, primary_key=True),
    # The point's, so that a light curve is read by two scans and not row by row.
    _target(),
    # Where it comes from.
    Column("data_product_id", BigInteger),
    Column("calibration_request_id", BigInteger),
    Column("calibration_id", BigInteger),
    Column("request_order", BigInteger, nullable=False),
    Column("camera_id", BigInteger),
    Column("camera_version", Integer),
    Column("plane", Integer),
    words("method"),
    words("software_version"),
    words("settings_version"),
    Column("batch_id", Uuid),
    words("source_url"),
    words("citation"),
    words("facility"),
    Column("observers", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("content_hash", Text),
    Column("trace_id", Text),
    # What was measured.
    words("quantity", default=None),
    number("value"),
    number("error"),
    words("unit", default=None),
    words("system", default=None),
    words("passband", default=None),
    words("passband_as_reported"),
    Column("difference", Boolean, nullable=False, server_default=text("false")),
    Column("is_limit", Boolean, nullable=False),
    number("limit_3_sigma"),
    number("limit_5_sigma"),
    number("limit_sigma"),
    words("limit_definition"),
    number("signal_to_noise"),
    Column("flags", BigInteger, nullable=False, server_default=text("0")),
    Column("error_budget", JSONB, nullable=False, server_default=text("'{}'")),
    number("flux"),
    number("flux_error"),
    # By other estimators than the point's own.
    Column("other_fluxes", JSONB, nullable=False, server_default=text("'{}'")),
    # When.
    number("mid_exposure_mjd", optional=False),
    number("bjd_tdb"),
    number("exposure_time"),
    words("time_as_reported"),
    words("time_scale_as_reported"),
    # Where, and how good the frame was.
    number("ra"),
    number("dec"),
    number("x"),
    number("y"),
    number("aperture_radius"),
    Column("quality", JSONB, nullable=False, server_default=text("'{}'")),
    Column("zero_point", JSONB, nullable=False, server_default=text("'{}'")),
    moment("recorded_at"),
    CheckConstraint("quantity IN ('magnitude', 'flux')", name="quantity"),
    CheckConstraint("system IN ('AB', 'Vega', 'none')", name="system"),
    CheckConstraint("revision >= 1", name="revision"),
    Index("ix_point_revisions_target_id", "target_id"),
    Index(
        "uq_point_revisions_request",
        "point_id",
        "calibration_request_id",
        unique=True,
        postgresql_where=text("calibration_request_id IS NOT NULL"),
    ),
)

light_curves = Table(
    "light_curves",
    metadata,
    Column(
        "target_id",
        BigInteger,
        ForeignKey("core.targets.target_id"),
        primary_key=True,
        autoincrement=False,
    ),
    version(),
    # Of the listed points.
    Column("point_count", BigInteger, nullable=False, server_default=text("0")),
    number("last_mjd"),
    number("last_magnitude"),
    Column("last_passband", Text),
    moment("updated_at"),
)

recorded_answers = Table(
    "recorded_answers",
    metadata,
    Column("calibration_request_id", BigInteger, primary_key=True, autoincrement=False),
    Column("plane", Integer, primary_key=True, autoincrement=False),
    Column("data_product_id", BigInteger, nullable=False),
    Column("answer", JSONB, nullable=False),
    moment("recorded_at"),
)
