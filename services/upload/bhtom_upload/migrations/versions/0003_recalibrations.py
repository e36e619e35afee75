"""What answers measured, and campaigns that calibrate many products again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None

_SCHEMA = "upload"


def upgrade() -> None:
    """Make them."""
    for column in (
        sa.Column(
            "background", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("repeats_request_id", sa.BigInteger()),
    ):
        op.add_column("calibration_requests", column, schema=_SCHEMA)
    _plane_measurements()
    _recalibrations()
    _recalibration_items()


def _plane_measurements() -> None:
    op.create_table(
        "plane_measurements",
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column("request_order", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("mid_exposure_mjd", sa.Double(), nullable=False),
        sa.Column("passband", sa.Text(), nullable=False),
        sa.Column("catalogue", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("software_version", sa.Text(), nullable=False),
        sa.Column("settings_version", sa.Text(), nullable=False),
        sa.Column("magnitude", sa.Double(), nullable=True),
        sa.Column("magnitude_error", sa.Double(), nullable=True),
        sa.Column("limit_5_sigma", sa.Double(), nullable=True),
        sa.Column("is_limit", sa.Boolean(), nullable=False),
        sa.Column("flags", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('record', 'dry_run', 'preview')",
            name=op.f("ck_plane_measurements_purpose"),
        ),
        sa.ForeignKeyConstraint(
            ["data_product_id"],
            ["upload.data_products.data_product_id"],
            name=op.f("fk_plane_measurements_data_product_id_data_products"),
        ),
        sa.PrimaryKeyConstraint(
            "data_product_id",
            "request_order",
            "plane",
            "target_id",
            name=op.f("pk_plane_measurements"),
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_plane_measurements_time",
        "plane_measurements",
        ["mid_exposure_mjd"],
        unique=False,
        schema=_SCHEMA,
    )


def _recalibrations() -> None:
    op.create_table(
        "recalibrations",
        sa.Column(
            "recalibration_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("by_admin", sa.Boolean(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("selection", postgresql.JSONB(), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.Column("preview", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stopped_from", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column(
            "collected_until",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
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
            "(state = 'stopped') = (stopped_from IS NOT NULL)",
            name=op.f("ck_recalibrations_stopped"),
        ),
        sa.CheckConstraint(
            "state IN ('collecting', 'previewing', 'previewed', "
            "'accepting', 'done', 'stopped', 'discarded', 'failed')",
            name=op.f("ck_recalibrations_state"),
        ),
        sa.CheckConstraint(
            "stopped_from IN ('collecting', 'previewing', 'previewed', "
            "'accepting', 'done', 'stopped', 'discarded', 'failed')",
            name=op.f("ck_recalibrations_stopped_from"),
        ),
        sa.PrimaryKeyConstraint("recalibration_id", name=op.f("pk_recalibrations")),
        sa.UniqueConstraint(
            "user_id",
            "idempotency_key",
            name=op.f("uq_recalibrations_user_id_idempotency_key"),
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_recalibrations_working",
        "recalibrations",
        ["recalibration_id"],
        unique=False,
        schema=_SCHEMA,
        postgresql_where=sa.text("state IN ('collecting', 'previewing', 'accepting')"),
    )


def _recalibration_items() -> None:
    op.create_table(
        "recalibration_items",
        sa.Column("recalibration_id", sa.BigInteger(), nullable=False),
        sa.Column("data_product_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state", sa.Text(), server_default=sa.text("'selected'"), nullable=False
        ),
        sa.Column("message", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("base_order", sa.Integer(), nullable=True),
        sa.Column("old_order", sa.Integer(), nullable=True),
        sa.Column("preview_order", sa.Integer(), nullable=True),
        sa.Column("record_order", sa.Integer(), nullable=True),
        sa.Column(
            "state_changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('selected', 'previewing', 'previewed', 'recording', "
            "'done', 'failed', 'skipped')",
            name=op.f("ck_recalibration_items_state"),
        ),
        sa.ForeignKeyConstraint(
            ["data_product_id"],
            ["upload.data_products.data_product_id"],
            name=op.f("fk_recalibration_items_data_product_id_data_products"),
        ),
        sa.ForeignKeyConstraint(
            ["recalibration_id"],
            ["upload.recalibrations.recalibration_id"],
            name=op.f("fk_recalibration_items_recalibration_id_recalibrations"),
        ),
        sa.PrimaryKeyConstraint(
            "recalibration_id", "data_product_id", name=op.f("pk_recalibration_items")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_recalibration_items_in_flight",
        "recalibration_items",
        ["data_product_id"],
        unique=False,
        schema=_SCHEMA,
        postgresql_where=sa.text("state IN ('previewing', 'recording')"),
    )
    op.create_index(
        "ix_recalibration_items_state",
        "recalibration_items",
        ["recalibration_id", "state"],
        unique=False,
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Drop them."""
    for table in (
        "recalibration_items",
        "recalibrations",
        "plane_measurements",
    ):
        op.drop_table(table, schema=_SCHEMA)
    for name in ("repeats_request_id", "background"):
        op.drop_column("calibration_requests", name, schema=_SCHEMA)
