"""The harvester's first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bhtom_runtime.migrations import create_infrastructure, drop_infrastructure

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "harvester"
TABLES = (
    "documents",
    "harvests",
    "source_states",
    "target_replicas",
)


def upgrade() -> None:
    """Make them."""
    create_infrastructure(op, SCHEMA)
    op.create_table(
        "documents",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_documents")),
        schema=SCHEMA,
        comment="large lists of archives, fetched at most once a day",
    )
    op.create_table(
        "harvests",
        sa.Column(
            "harvest_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "state", sa.Text(), server_default=sa.text("'scheduled'"), nullable=False
        ),
        sa.Column("message", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "record_name",
            sa.Text(),
            nullable=True,
            comment="the archive's name of the target",
        ),
        sa.Column(
            "row_count", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "content_hash", sa.Text(), nullable=True, comment="of the rows sent last"
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('scheduled', 'waiting', 'done', 'nothing', 'failed', 'stopped')",
            name=op.f("ck_harvests_state"),
        ),
        sa.PrimaryKeyConstraint("harvest_id", name=op.f("pk_harvests")),
        sa.UniqueConstraint(
            "target_id", "source", name=op.f("uq_harvests_target_id_source")
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_harvests_next_at", "harvests", ["next_at"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "source_states",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "hold_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="not asked before",
        ),
        sa.CheckConstraint(
            "state IN ('ok', 'unreachable', 'failing')",
            name=op.f("ck_source_states_state"),
        ),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_states")),
        schema=SCHEMA,
    )
    op.create_table(
        "target_replicas",
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("aggregate_version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("aliases", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("ra", sa.Double(), nullable=True),
        sa.Column("dec", sa.Double(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archives_allowed", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_target_replicas")),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Remove them."""
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)
    drop_infrastructure(op, SCHEMA)
