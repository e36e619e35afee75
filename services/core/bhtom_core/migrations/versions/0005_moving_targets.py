"""Targets that move: by orbital elements or along an ephemeris."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table of rows."""
    op.add_column(
        "targets",
        sa.Column("position_error", sa.Float(precision=53), nullable=True),
        schema="core",
    )
    for name in ("elements", "ephemeris"):
        op.add_column(
            "targets",
            sa.Column(name, postgresql.JSONB(none_as_null=True), nullable=True),
            schema="core",
        )
    op.create_check_constraint(
        op.f("ck_targets_moving_has_model"),
        "targets",
        "(position_kind = 'elements') = (elements IS NOT NULL) AND "
        "(position_kind = 'ephemeris') = (ephemeris IS NOT NULL)",
        schema="core",
    )
    op.create_check_constraint(
        op.f("ck_targets_position_error"),
        "targets",
        "position_error > 0",
        schema="core",
    )
    op.create_table(
        "ephemerides",
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rows", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["core.targets.target_id"],
            name=op.f("fk_ephemerides_target_id_targets"),
        ),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_ephemerides")),
        schema="core",
    )


def downgrade() -> None:
    """Remove them; a target that moves has then no position that counts."""
    op.drop_table("ephemerides", schema="core")
    for name in ("ck_targets_moving_has_model", "ck_targets_position_error"):
        op.drop_constraint(op.f(name), "targets", schema="core", type_="check")
    for name in ("ephemeris", "elements", "position_error"):
        op.drop_column("targets", name, schema="core")
