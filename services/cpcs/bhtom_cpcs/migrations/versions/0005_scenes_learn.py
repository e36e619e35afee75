"""Scenes learn from frames: evidence, rulings, and what a version rests on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SCHEMA = "cpcs"


def upgrade() -> None:
    """Make them."""
    op.add_column(
        "scenes",
        sa.Column(
            "learnt",
            postgresql.JSONB(),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        schema=_SCHEMA,
    )
    _scene_evidence()
    _scene_rulings()


def _scene_evidence() -> None:
    op.create_table(
        "scene_evidence",
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
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mid_exposure_mjd", sa.Double(), nullable=False),
        sa.Column("night", sa.Integer(), nullable=False),
        sa.Column("passband", sa.Text(), nullable=False),
        sa.Column("scene_version", sa.Integer(), nullable=False),
        sa.Column("tells", sa.Boolean(), nullable=False),
        sa.Column("fwhm_arcsec", sa.Double(), nullable=True),
        sa.Column("depth", sa.Double(), nullable=True),
        sa.Column("stars", postgresql.JSONB(), nullable=False),
        sa.Column(
            "considered", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "NOT tells OR num_nulls(fwhm_arcsec, depth) = 0",
            name=op.f("ck_scene_evidence_what_it_tells"),
        ),
        sa.PrimaryKeyConstraint(
            "data_product_id", "plane", "target_id", name=op.f("pk_scene_evidence")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_scene_evidence_target",
        "scene_evidence",
        ["target_id", "scene_version"],
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_scene_evidence_not_considered",
        "scene_evidence",
        ["change_id"],
        schema=_SCHEMA,
        postgresql_where=sa.text("NOT considered"),
    )


def _scene_rulings() -> None:
    op.create_table(
        "scene_rulings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("ra", sa.Double(), nullable=False),
        sa.Column("dec", sa.Double(), nullable=False),
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
            "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)",
            name=op.f("ck_scene_rulings_withdrawn"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scene_rulings")),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_scene_rulings_target", "scene_rulings", ["target_id"], schema=_SCHEMA
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("scene_rulings", schema=_SCHEMA)
    op.drop_table("scene_evidence", schema=_SCHEMA)
    op.drop_column("scenes", "learnt", schema=_SCHEMA)
