"""The runtime's tables, calibration requests, calibrations and replicas."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bhtom_runtime.migrations import create_infrastructure, drop_infrastructure

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SCHEMA = "cpcs"


def upgrade() -> None:
    """Make everything."""
    create_infrastructure(op, _SCHEMA)
    _calibration_requests()
    _calibrations()
    _replicas()


def _calibration_requests() -> None:
    op.create_table(
        "calibration_requests",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column("request_order", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("embargo_until", sa.DateTime(timezone=True)),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column(
            "state", sa.Text(), server_default=sa.text("'queued'"), nullable=False
        ),
        sa.Column("missing_tiles", postgresql.JSONB()),
        sa.Column("traceparent", sa.Text()),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "state_changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_requests")),
        sa.CheckConstraint(
            "request_order >= 1", name=op.f("ck_calibration_requests_request_order")
        ),
        sa.CheckConstraint(
            "purpose IN ('record', 'dry_run', 'preview')",
            name=op.f("ck_calibration_requests_purpose"),
        ),
        sa.CheckConstraint(
            "visibility IN ('private', 'groups', 'public')",
            name=op.f("ck_calibration_requests_visibility"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'waiting', 'answered', 'dead', 'superseded')",
            name=op.f("ck_calibration_requests_state"),
        ),
        sa.CheckConstraint(
            "(state = 'waiting') = (missing_tiles IS NOT NULL)",
            name=op.f("ck_calibration_requests_missing_tiles"),
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_calibration_requests_product",
        "calibration_requests",
        ["data_product_id", "request_order"],
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_calibration_requests_unfinished",
        "calibration_requests",
        ["state", "id"],
        schema=_SCHEMA,
        postgresql_where=sa.text("state IN ('queued', 'waiting')"),
    )


def _calibrations() -> None:
    op.create_table(
        "calibrations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("calibration_request_id", sa.BigInteger(), nullable=False),
        sa.Column("plane", sa.Integer(), nullable=False),
        sa.Column("plane_count", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reduction_time_s", sa.Double(), nullable=False),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("software_version", sa.Text(), nullable=False),
        sa.Column("settings_version", sa.Text(), nullable=False),
        sa.Column("plot_key", sa.Text()),
        sa.Column("result", postgresql.JSONB(), nullable=False),
        sa.Column("answer_topic", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibrations")),
        sa.ForeignKeyConstraint(
            ["calibration_request_id"],
            [f"{_SCHEMA}.calibration_requests.id"],
            name=op.f("fk_calibrations_calibration_request_id_calibration_requests"),
        ),
        sa.UniqueConstraint(
            "calibration_request_id",
            "plane",
            name=op.f("uq_calibrations_calibration_request_id_plane"),
        ),
        sa.CheckConstraint("plane >= 0", name=op.f("ck_calibrations_plane")),
        sa.CheckConstraint(
            "plane < plane_count", name=op.f("ck_calibrations_plane_count")
        ),
        sa.CheckConstraint(
            "reduction_time_s >= 0", name=op.f("ck_calibrations_reduction_time_s")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_calibrations_plot_key",
        "calibrations",
        ["plot_key"],
        schema=_SCHEMA,
        postgresql_where=sa.text("plot_key IS NOT NULL"),
    )


def _replicas() -> None:
    op.create_table(
        "target_replicas",
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("aggregate_version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ra", sa.Double()),
        sa.Column("dec", sa.Double()),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("embargo_until", sa.DateTime(timezone=True)),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_target_replicas")),
        schema=_SCHEMA,
    )
    op.create_table(
        "camera_replicas",
        sa.Column("camera_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("aggregate_version", sa.BigInteger(), nullable=False),
        sa.Column("camera_version", sa.Integer(), nullable=False),
        sa.Column("oname", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera_replicas")),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Drop everything."""
    op.drop_table("camera_replicas", schema=_SCHEMA)
    op.drop_table("target_replicas", schema=_SCHEMA)
    op.drop_table("calibrations", schema=_SCHEMA)
    op.drop_table("calibration_requests", schema=_SCHEMA)
    drop_infrastructure(op, _SCHEMA)
