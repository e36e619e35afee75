"""The tables of observatories at first."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Make them."""
    _observatories()
    _cameras()
    _camera_versions()


def _observatories() -> None:
    op.create_table(
        "observatories",
        sa.Column(
            "observatory_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("longitude", sa.Float(precision=53), nullable=False),
        sa.Column("latitude", sa.Float(precision=53), nullable=False),
        sa.Column("altitude", sa.Float(precision=53), nullable=False),
        sa.Column("telescope", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("aperture", sa.Float(precision=53), nullable=True),
        sa.Column("focal_length", sa.Float(precision=53), nullable=True),
        sa.Column("comment", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
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
            "altitude BETWEEN -500 AND 9000", name=op.f("ck_observatories_altitude")
        ),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90", name=op.f("ck_observatories_latitude")
        ),
        sa.CheckConstraint(
            "longitude BETWEEN -180 AND 360", name=op.f("ck_observatories_longitude")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["core.users.user_id"],
            name=op.f("fk_observatories_owner_id_users"),
        ),
        sa.PrimaryKeyConstraint("observatory_id", name=op.f("pk_observatories")),
        schema="core",
    )
    op.create_index(
        "uq_observatories_name",
        "observatories",
        [sa.literal_column("lower(name)")],
        unique=True,
        schema="core",
    )


def _cameras() -> None:
    op.create_table(
        "cameras",
        sa.Column(
            "camera_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("observatory_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_name", sa.Text(), nullable=False),
        sa.Column("oname", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "camera_version", sa.Integer(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column(
            "approval", sa.Text(), server_default=sa.text("'pending'"), nullable=False
        ),
        sa.Column(
            "approval_reason", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "active", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
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
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "NOT active OR approval = 'approved'",
            name=op.f("ck_cameras_active_is_approved"),
        ),
        sa.CheckConstraint(
            "approval IN ('pending', 'approved', 'rejected')",
            name=op.f("ck_cameras_approval"),
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"],
            ["core.users.user_id"],
            name=op.f("fk_cameras_approved_by_users"),
        ),
        sa.ForeignKeyConstraint(
            ["observatory_id"],
            ["core.observatories.observatory_id"],
            name=op.f("fk_cameras_observatory_id_observatories"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["core.users.user_id"], name=op.f("fk_cameras_owner_id_users")
        ),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_cameras")),
        schema="core",
    )
    op.create_index(
        "ix_cameras_observatory_id",
        "cameras",
        ["observatory_id"],
        unique=False,
        schema="core",
    )
    op.create_index(
        "ix_cameras_owner_id", "cameras", ["owner_id"], unique=False, schema="core"
    )
    op.create_index(
        "uq_cameras_oname",
        "cameras",
        [sa.literal_column("lower(oname)")],
        unique=True,
        schema="core",
    )


def _camera_versions() -> None:
    op.create_table(
        "camera_versions",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_version", sa.Integer(), nullable=False),
        sa.Column("observatory_name", sa.Text(), nullable=False),
        sa.Column("longitude", sa.Float(precision=53), nullable=False),
        sa.Column("latitude", sa.Float(precision=53), nullable=False),
        sa.Column("altitude", sa.Float(precision=53), nullable=False),
        sa.Column("gain", sa.Float(precision=53), nullable=True),
        sa.Column("readout_noise", sa.Float(precision=53), nullable=True),
        sa.Column("saturation_level", sa.Float(precision=53), nullable=True),
        sa.Column("pixel_scale", sa.Float(precision=53), nullable=True),
        sa.Column(
            "date_keyword",
            sa.Text(),
            server_default=sa.text("'DATE-OBS'"),
            nullable=False,
        ),
        sa.Column(
            "time_keyword",
            sa.Text(),
            server_default=sa.text("'TIME-OBS'"),
            nullable=False,
        ),
        sa.Column(
            "exposure_time_keyword",
            sa.Text(),
            server_default=sa.text("'EXPTIME'"),
            nullable=False,
        ),
        sa.Column(
            "filter_keyword",
            sa.Text(),
            server_default=sa.text("'FILTER'"),
            nullable=False,
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("gain > 0", name=op.f("ck_camera_versions_gain")),
        sa.CheckConstraint(
            "pixel_scale > 0", name=op.f("ck_camera_versions_pixel_scale")
        ),
        sa.CheckConstraint(
            "readout_noise >= 0", name=op.f("ck_camera_versions_readout_noise")
        ),
        sa.CheckConstraint(
            "saturation_level > 0", name=op.f("ck_camera_versions_saturation_level")
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"],
            ["core.cameras.camera_id"],
            name=op.f("fk_camera_versions_camera_id_cameras"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["core.users.user_id"],
            name=op.f("fk_camera_versions_created_by_users"),
        ),
        sa.PrimaryKeyConstraint(
            "camera_id", "camera_version", name=op.f("pk_camera_versions")
        ),
        schema="core",
    )
