"""The tables of light curves at first."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create() -> None:
    """Make them."""
    _light_curves()
    _points()
    _point_revisions()
    _recorded_answers()


def _light_curves() -> None:
    op.create_table(
        "light_curves",
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column(
            "point_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("last_mjd", sa.Float(precision=53), nullable=True),
        sa.Column("last_magnitude", sa.Float(precision=53), nullable=True),
        sa.Column("last_passband", sa.Text(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["core.targets.target_id"],
            name=op.f("fk_light_curves_target_id_targets"),
        ),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_light_curves")),
        schema="core",
    )


def _points() -> None:
    op.create_table(
        "points",
        sa.Column(
            "point_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("data_product_id", sa.BigInteger(), nullable=True),
        sa.Column("plane", sa.Integer(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("copy_of", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "visibility", sa.Text(), server_default=sa.text("'public'"), nullable=False
        ),
        sa.Column("embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "product_visibility",
            sa.Text(),
            server_default=sa.text("'public'"),
            nullable=False,
        ),
        sa.Column("product_embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "hidden_reason", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("current_revision", sa.Integer(), nullable=False),
        sa.Column("current_order", sa.BigInteger(), nullable=False),
        sa.Column("revision_count", sa.Integer(), nullable=False),
        sa.Column("mjd", sa.Float(precision=53), nullable=False),
        sa.Column(
            "listed", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("published_revision", sa.Integer(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "modified_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "product_visibility IN ('private', 'groups', 'public')",
            name=op.f("ck_points_product_visibility"),
        ),
        sa.CheckConstraint(
            "visibility IN ('private', 'groups', 'public')",
            name=op.f("ck_points_visibility"),
        ),
        sa.CheckConstraint(
            "(hidden_at IS NULL) = (hidden_by IS NULL)", name=op.f("ck_points_hidden")
        ),
        sa.CheckConstraint(
            "current_revision <= revision_count",
            name=op.f("ck_points_current_revision"),
        ),
        sa.ForeignKeyConstraint(
            ["copy_of"], ["core.points.point_id"], name=op.f("fk_points_copy_of_points")
        ),
        sa.ForeignKeyConstraint(
            ["hidden_by"],
            ["core.users.user_id"],
            name=op.f("fk_points_hidden_by_users"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["core.users.user_id"], name=op.f("fk_points_owner_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["core.targets.target_id"],
            name=op.f("fk_points_target_id_targets"),
        ),
        sa.PrimaryKeyConstraint("point_id", name=op.f("pk_points")),
        schema="core",
    )
    op.create_index(
        "ix_points_data_product_id",
        "points",
        ["data_product_id"],
        unique=False,
        schema="core",
        postgresql_where=sa.text("data_product_id IS NOT NULL"),
    )
    op.create_index(
        "ix_points_embargo",
        "points",
        [sa.literal_column("least(embargo_until, product_embargo_until)")],
        unique=False,
        schema="core",
        postgresql_where=sa.text(
            "embargo_until IS NOT NULL OR product_embargo_until IS NOT NULL"
        ),
    )
    op.create_index(
        "ix_points_exceptional",
        "points",
        ["target_id"],
        unique=False,
        schema="core",
        postgresql_where=sa.text(
            "hidden_at IS NULL AND (NOT listed OR copy_of IS NOT NULL)"
        ),
    )
    op.create_index(
        "ix_points_fingerprint",
        "points",
        ["fingerprint", "component", "target_id"],
        unique=False,
        schema="core",
        postgresql_where=sa.text("fingerprint IS NOT NULL"),
    )
    op.create_index(
        "ix_points_target_id_mjd",
        "points",
        ["target_id", "mjd", "point_id"],
        unique=False,
        schema="core",
    )
    op.create_index(
        "uq_points_identity",
        "points",
        ["source", "record", "component", "target_id"],
        unique=True,
        schema="core",
    )


def _point_revisions() -> None:
    op.create_table(
        "point_revisions",
        sa.Column("point_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("data_product_id", sa.BigInteger(), nullable=True),
        sa.Column("calibration_request_id", sa.BigInteger(), nullable=True),
        sa.Column("calibration_id", sa.BigInteger(), nullable=True),
        sa.Column("request_order", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=True),
        sa.Column("camera_version", sa.Integer(), nullable=True),
        sa.Column("plane", sa.Integer(), nullable=True),
        sa.Column("method", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "software_version", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "settings_version", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column(
            "source_url", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("citation", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("facility", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "observers",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("content_hash", sa.Text(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(precision=53), nullable=True),
        sa.Column("error", sa.Float(precision=53), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("passband", sa.Text(), nullable=False),
        sa.Column(
            "passband_as_reported",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
        ),
        sa.Column(
            "difference", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("is_limit", sa.Boolean(), nullable=False),
        sa.Column("limit_3_sigma", sa.Float(precision=53), nullable=True),
        sa.Column("limit_5_sigma", sa.Float(precision=53), nullable=True),
        sa.Column("limit_sigma", sa.Float(precision=53), nullable=True),
        sa.Column(
            "limit_definition", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("signal_to_noise", sa.Float(precision=53), nullable=True),
        sa.Column(
            "flags", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "error_budget",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("flux", sa.Float(precision=53), nullable=True),
        sa.Column("flux_error", sa.Float(precision=53), nullable=True),
        sa.Column("mid_exposure_mjd", sa.Float(precision=53), nullable=False),
        sa.Column("bjd_tdb", sa.Float(precision=53), nullable=True),
        sa.Column("exposure_time", sa.Float(precision=53), nullable=True),
        sa.Column(
            "time_as_reported", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "time_scale_as_reported",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
        ),
        sa.Column("ra", sa.Float(precision=53), nullable=True),
        sa.Column("dec", sa.Float(precision=53), nullable=True),
        sa.Column("x", sa.Float(precision=53), nullable=True),
        sa.Column("y", sa.Float(precision=53), nullable=True),
        sa.Column("aperture_radius", sa.Float(precision=53), nullable=True),
        sa.Column(
            "quality",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "zero_point",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "quantity IN ('magnitude', 'flux')",
            name=op.f("ck_point_revisions_quantity"),
        ),
        sa.CheckConstraint(
            "system IN ('AB', 'Vega', 'none')", name=op.f("ck_point_revisions_system")
        ),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_point_revisions_revision")),
        sa.ForeignKeyConstraint(
            ["point_id"],
            ["core.points.point_id"],
            name=op.f("fk_point_revisions_point_id_points"),
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["core.targets.target_id"],
            name=op.f("fk_point_revisions_target_id_targets"),
        ),
        sa.PrimaryKeyConstraint(
            "point_id", "revision", name=op.f("pk_point_revisions")
        ),
        schema="core",
    )
    op.create_index(
        "ix_point_revisions_target_id",
        "point_revisions",
        ["target_id"],
        unique=False,
        schema="core",
    )
    op.create_index(
        "uq_point_revisions_request",
        "point_revisions",
        ["point_id", "calibration_request_id"],
        unique=True,
        schema="core",
        postgresql_where=sa.text("calibration_request_id IS NOT NULL"),
    )


def _recorded_answers() -> None:
    op.create_table(
        "recorded_answers",
        sa.Column(
            "calibration_request_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("plane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint(
            "calibration_request_id", "plane", name=op.f("pk_recorded_answers")
        ),
        schema="core",
    )
