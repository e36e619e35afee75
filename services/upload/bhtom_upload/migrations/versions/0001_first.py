"""The first tables: files, data products, requests, planes, history, replicas."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bhtom_runtime.migrations import create_infrastructure, drop_infrastructure

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    create_infrastructure(op, "upload")
    _files()
    _data_products()
    _calibration_requests()
    _planes()
    _data_product_events()
    _target_replicas()
    _camera_replicas()


def downgrade() -> None:
    """Remove them."""
    op.drop_table("planes", schema="upload")
    op.drop_table("data_product_events", schema="upload")
    op.drop_table("calibration_requests", schema="upload")
    op.drop_table("data_products", schema="upload")
    op.drop_table("target_replicas", schema="upload")
    op.drop_table("files", schema="upload")
    op.drop_table("camera_replicas", schema="upload")
    drop_infrastructure(op, "upload")


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("packing", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "packing IN ('plain', 'gzip', 'fpack')", name=op.f("ck_files_packing")
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_files_sha256")),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_files_size_bytes")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_files")),
        schema="upload",
    )


def _data_products() -> None:
    op.create_table(
        "data_products",
        sa.Column(
            "data_product_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column(
            "aggregate_version",
            sa.BigInteger(),
            server_default=sa.text("1"),
            nullable=False,
        ),
        sa.Column(
            "kind", sa.Text(), server_default=sa.text("'fits_file'"), nullable=False
        ),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("target_name", sa.Text(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=True),
        sa.Column("oname", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column(
            "request_order", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column(
            "observers",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("requested_filter", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "visibility", sa.Text(), server_default=sa.text("'public'"), nullable=False
        ),
        sa.Column("embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
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
        sa.Column(
            "awaiting_since",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "redrive_count", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('fits_file', 'photometry', 'photometry_csv', 'spectroscopy')",
            name=op.f("ck_data_products_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('received', 'calibrating', 'waiting', 'recording', 'done', "
            "'failed', 'deleted')",
            name=op.f("ck_data_products_state"),
        ),
        sa.CheckConstraint(
            "visibility IN ('private', 'groups', 'public')",
            name=op.f("ck_data_products_visibility"),
        ),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["upload.files.sha256"],
            name=op.f("fk_data_products_sha256_files"),
        ),
        sa.PrimaryKeyConstraint("data_product_id", name=op.f("pk_data_products")),
        sa.UniqueConstraint(
            "owner_id",
            "sha256",
            "kind",
            "target_id",
            "camera_id",
            "dry_run",
            name="uq_data_products_identity",
            postgresql_nulls_not_distinct=True,
        ),
        schema="upload",
    )
    op.create_index(
        "ix_data_products_batch",
        "data_products",
        ["batch", "data_product_id"],
        unique=False,
        schema="upload",
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.create_index(
        "ix_data_products_in_flight",
        "data_products",
        ["state", "awaiting_since"],
        unique=False,
        schema="upload",
        postgresql_where=sa.text("state IN ('calibrating', 'waiting', 'recording')"),
    )
    op.create_index(
        "ix_data_products_owner",
        "data_products",
        ["owner_id", sa.literal_column("data_product_id DESC")],
        unique=False,
        schema="upload",
    )
    op.create_index(
        "ix_data_products_sha256",
        "data_products",
        ["sha256"],
        unique=False,
        schema="upload",
    )
    op.create_index(
        "ix_data_products_target",
        "data_products",
        ["target_id", sa.literal_column("data_product_id DESC")],
        unique=False,
        schema="upload",
    )


def _calibration_requests() -> None:
    op.create_table(
        "calibration_requests",
        sa.Column(
            "calibration_request_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
        ),
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column("request_order", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False
        ),
        sa.Column("observers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("target", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("camera", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "purpose IN ('record', 'dry_run', 'preview')",
            name=op.f("ck_calibration_requests_purpose"),
        ),
        sa.CheckConstraint(
            "request_order > 0", name=op.f("ck_calibration_requests_request_order")
        ),
        sa.ForeignKeyConstraint(
            ["data_product_id"],
            ["upload.data_products.data_product_id"],
            name=op.f("fk_calibration_requests_data_product_id_data_products"),
        ),
        sa.PrimaryKeyConstraint(
            "calibration_request_id", name=op.f("pk_calibration_requests")
        ),
        sa.UniqueConstraint(
            "data_product_id",
            "request_order",
            name=op.f("uq_calibration_requests_data_product_id_request_order"),
        ),
        schema="upload",
    )


def _planes() -> None:
    op.create_table(
        "planes",
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column("request_order", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plane_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("calibration_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "has_plot", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "dispositions",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "point_ids",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "answer IN ('waiting', 'failed', 'calibrated')",
            name=op.f("ck_planes_answer"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'failed', 'calibrated', 'recorded', "
            "'recorded_early')",
            name=op.f("ck_planes_state"),
        ),
        sa.CheckConstraint(
            "(answer IS NULL) = (finished_at IS NULL)", name=op.f("ck_planes_answered")
        ),
        sa.ForeignKeyConstraint(
            ["data_product_id"],
            ["upload.data_products.data_product_id"],
            name=op.f("fk_planes_data_product_id_data_products"),
        ),
        sa.PrimaryKeyConstraint(
            "data_product_id", "request_order", "plane", name=op.f("pk_planes")
        ),
        schema="upload",
    )


def _data_product_events() -> None:
    op.create_table(
        "data_product_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["data_product_id"],
            ["upload.data_products.data_product_id"],
            name=op.f("fk_data_product_events_data_product_id_data_products"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_product_events")),
        schema="upload",
    )
    op.create_index(
        "ix_data_product_events_owner",
        "data_product_events",
        ["owner_id", "id"],
        unique=False,
        schema="upload",
    )
    op.create_index(
        "ix_data_product_events_product",
        "data_product_events",
        ["data_product_id", "id"],
        unique=False,
        schema="upload",
    )


def _target_replicas() -> None:
    op.create_table(
        "target_replicas",
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("aggregate_version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_target_replicas")),
        schema="upload",
    )
    op.create_index(
        "ix_target_replicas_name",
        "target_replicas",
        ["name"],
        unique=False,
        schema="upload",
    )


def _camera_replicas() -> None:
    op.create_table(
        "camera_replicas",
        sa.Column("camera_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("aggregate_version", sa.BigInteger(), nullable=False),
        sa.Column("oname", sa.Text(), nullable=False),
        sa.Column("camera", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera_replicas")),
        schema="upload",
    )
    op.create_index(
        "ix_camera_replicas_oname",
        "camera_replicas",
        ["oname"],
        unique=False,
        schema="upload",
    )
