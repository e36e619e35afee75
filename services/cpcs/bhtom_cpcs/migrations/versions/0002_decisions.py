"""Decisions made from many frames, and their pinning with each request."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SCHEMA = "cpcs"


def upgrade() -> None:
    """Make them."""
    op.add_column(
        "calibration_requests",
        sa.Column("decisions", postgresql.JSONB()),
        schema=_SCHEMA,
    )
    _frame_evidence()
    _target_evidence()
    _band_settlements()
    _band_rulings()
    _scenes()
    _mean_positions()
    _catalogue_pins()


def _frame_evidence() -> None:
    op.create_table(
        "frame_evidence",
        sa.Column(
            "data_product_id", sa.BigInteger(), autoincrement=False, nullable=False
        ),
        sa.Column("plane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "change_id", sa.BigInteger(), sa.Identity(always=False), nullable=False
        ),
        sa.Column("request_order", sa.Integer(), nullable=False),
        sa.Column("calibration_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("filter_card", sa.Text(), nullable=False),
        sa.Column("declared_filter", sa.Text(), nullable=False),
        sa.Column("mid_exposure_mjd", sa.Double(), nullable=False),
        sa.Column("night", sa.Integer(), nullable=False),
        sa.Column("shown_bands", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("passband", sa.Text(), nullable=False),
        sa.Column("zero_point", sa.Double(), nullable=False),
        sa.Column("zero_point_error", sa.Double(), nullable=False),
        sa.Column("exposure_time_s", sa.Double(), nullable=False),
        sa.Column("air_mass", sa.Double(), nullable=True),
        sa.Column("lends_zero_point", sa.Boolean(), nullable=False),
        sa.Column("field_radius_deg", sa.Double(), nullable=True),
        sa.Column(
            "considered", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint("plane >= 0", name=op.f("ck_frame_evidence_plane")),
        sa.CheckConstraint(
            "zero_point_error >= 0", name=op.f("ck_frame_evidence_zero_point_error")
        ),
        sa.PrimaryKeyConstraint(
            "data_product_id", "plane", name=op.f("pk_frame_evidence")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_frame_evidence_filter",
        "frame_evidence",
        ["camera_id", "filter_card", "declared_filter", "mid_exposure_mjd"],
        unique=False,
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_frame_evidence_night",
        "frame_evidence",
        ["camera_id", "mid_exposure_mjd"],
        unique=False,
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_frame_evidence_not_considered",
        "frame_evidence",
        ["change_id"],
        unique=False,
        schema=_SCHEMA,
        postgresql_where=sa.text("NOT considered"),
    )


def _target_evidence() -> None:
    op.create_table(
        "target_evidence",
        sa.Column(
            "data_product_id", sa.BigInteger(), autoincrement=False, nullable=False
        ),
        sa.Column("plane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "change_id", sa.BigInteger(), sa.Identity(always=False), nullable=False
        ),
        sa.Column("request_order", sa.Integer(), nullable=False),
        sa.Column("calibration_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("mid_exposure_mjd", sa.Double(), nullable=False),
        sa.Column("passband", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("magnitude", sa.Double(), nullable=True),
        sa.Column("magnitude_error", sa.Double(), nullable=True),
        sa.Column("ra", sa.Double(), nullable=True),
        sa.Column("dec", sa.Double(), nullable=True),
        sa.Column("ra_error_arcsec", sa.Double(), nullable=True),
        sa.Column("dec_error_arcsec", sa.Double(), nullable=True),
        sa.Column(
            "considered", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "(magnitude IS NULL) = (magnitude_error IS NULL)",
            name=op.f("ck_target_evidence_magnitude"),
        ),
        sa.CheckConstraint(
            "num_nulls(ra, dec, ra_error_arcsec, dec_error_arcsec) IN (0, 4)",
            name=op.f("ck_target_evidence_position"),
        ),
        sa.CheckConstraint(
            "ra_error_arcsec > 0 AND dec_error_arcsec > 0",
            name=op.f("ck_target_evidence_errors"),
        ),
        sa.PrimaryKeyConstraint(
            "data_product_id", "plane", "target_id", name=op.f("pk_target_evidence")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_target_evidence_not_considered",
        "target_evidence",
        ["change_id"],
        unique=False,
        schema=_SCHEMA,
        postgresql_where=sa.text("NOT considered"),
    )
    op.create_index(
        "ix_target_evidence_target",
        "target_evidence",
        ["target_id", "mid_exposure_mjd"],
        unique=False,
        schema=_SCHEMA,
    )


def _band_settlements() -> None:
    op.create_table(
        "band_settlements",
        sa.Column("camera_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("filter_card", sa.Text(), nullable=False),
        sa.Column("declared_filter", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("intervals", postgresql.JSONB(), nullable=False),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_band_settlements_version")),
        sa.PrimaryKeyConstraint(
            "camera_id",
            "filter_card",
            "declared_filter",
            "version",
            name=op.f("pk_band_settlements"),
        ),
        schema=_SCHEMA,
    )


def _band_rulings() -> None:
    op.create_table(
        "band_rulings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("filter_card", sa.Text(), nullable=False),
        sa.Column("declared_filter", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("passband", sa.Text(), nullable=True),
        sa.Column("valid_from_mjd", sa.Double(), nullable=True),
        sa.Column("valid_until_mjd", sa.Double(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column(
            "ruled_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'clear') = (passband IS NULL)",
            name=op.f("ck_band_rulings_passband"),
        ),
        sa.CheckConstraint(
            "kind IN ('force', 'settle', 'clear')", name=op.f("ck_band_rulings_kind")
        ),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)",
            name=op.f("ck_band_rulings_withdrawn"),
        ),
        sa.CheckConstraint(
            "valid_from_mjd < valid_until_mjd", name=op.f("ck_band_rulings_interval")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_band_rulings")),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_band_rulings_filter",
        "band_rulings",
        ["camera_id", "filter_card", "declared_filter"],
        unique=False,
        schema=_SCHEMA,
    )


def _scenes() -> None:
    op.create_table(
        "scenes",
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("radius_arcsec", sa.Double(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stars", postgresql.JSONB(), nullable=False),
        sa.Column("calibration_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("radius_arcsec > 0", name=op.f("ck_scenes_radius")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_scenes_version")),
        sa.PrimaryKeyConstraint("target_id", "version", name=op.f("pk_scenes")),
        schema=_SCHEMA,
    )


def _mean_positions() -> None:
    op.create_table(
        "mean_positions",
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ra", sa.Double(), nullable=False),
        sa.Column("dec", sa.Double(), nullable=False),
        sa.Column("epoch_jyear", sa.Double(), nullable=False),
        sa.Column("ra_error_arcsec", sa.Double(), nullable=False),
        sa.Column("dec_error_arcsec", sa.Double(), nullable=False),
        sa.Column("n_frames", sa.Integer(), nullable=False),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "dec BETWEEN -90 AND 90", name=op.f("ck_mean_positions_dec")
        ),
        sa.CheckConstraint("ra >= 0 AND ra < 360", name=op.f("ck_mean_positions_ra")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_mean_positions_version")),
        sa.PrimaryKeyConstraint("target_id", "version", name=op.f("pk_mean_positions")),
        schema=_SCHEMA,
    )


def _catalogue_pins() -> None:
    op.create_table(
        "catalogue_pins",
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("camera_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("catalogue", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("calibration_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint(
            "target_id", "camera_id", "catalogue", name=op.f("pk_catalogue_pins")
        ),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Drop them."""
    for table in (
        "catalogue_pins",
        "mean_positions",
        "scenes",
        "band_rulings",
        "band_settlements",
        "target_evidence",
        "frame_evidence",
    ):
        op.drop_table(table, schema=_SCHEMA)
    op.drop_column("calibration_requests", "decisions", schema=_SCHEMA)
