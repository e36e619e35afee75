"""The tables of targets at first."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create() -> None:
    """Make them."""
    _targets()


def _targets() -> None:
    op.create_table(
        "targets",
        sa.Column(
            "target_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column(
            "aliases",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("name_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "position_kind",
            sa.Text(),
            server_default=sa.text("'sidereal'"),
            nullable=False,
        ),
        sa.Column(
            "position_version",
            sa.Integer(),
            server_default=sa.text("1"),
            nullable=False,
        ),
        sa.Column("ra", sa.Float(precision=53), nullable=True),
        sa.Column("dec", sa.Float(precision=53), nullable=True),
        sa.Column("epoch", sa.Float(precision=53), nullable=False),
        sa.Column("pm_ra", sa.Float(precision=53), nullable=True),
        sa.Column("pm_dec", sa.Float(precision=53), nullable=True),
        sa.Column("parallax", sa.Float(precision=53), nullable=True),
        sa.Column("healpix", sa.BigInteger(), nullable=True),
        sa.Column(
            "classification",
            sa.Text(),
            server_default=sa.text("'Unknown'"),
            nullable=False,
        ),
        sa.Column(
            "description", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("importance", sa.Float(precision=53), nullable=False),
        sa.Column("cadence", sa.Float(precision=53), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "visibility", sa.Text(), server_default=sa.text("'public'"), nullable=False
        ),
        sa.Column("embargo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "archives_allowed",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
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
            "position_kind <> 'sidereal' OR "
            "(ra IS NOT NULL AND dec IS NOT NULL AND healpix IS NOT NULL)",
            name=op.f("ck_targets_sidereal_has_position"),
        ),
        sa.CheckConstraint(
            "position_kind IN ('sidereal', 'elements', 'ephemeris')",
            name=op.f("ck_targets_position_kind"),
        ),
        sa.CheckConstraint(
            "visibility IN ('private', 'groups', 'public')",
            name=op.f("ck_targets_visibility"),
        ),
        sa.CheckConstraint("cadence >= 0", name=op.f("ck_targets_cadence")),
        sa.CheckConstraint("dec BETWEEN -90 AND 90", name=op.f("ck_targets_dec")),
        sa.CheckConstraint(
            "importance BETWEEN 0 AND 10", name=op.f("ck_targets_importance")
        ),
        sa.CheckConstraint("ra >= 0 AND ra < 360", name=op.f("ck_targets_ra")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["core.users.user_id"], name=op.f("fk_targets_owner_id_users")
        ),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_targets")),
        schema="core",
    )
    op.create_index(
        "ix_targets_embargo_until",
        "targets",
        ["embargo_until"],
        unique=False,
        schema="core",
        postgresql_where=sa.text("embargo_until IS NOT NULL"),
    )
    op.create_index(
        "ix_targets_healpix",
        "targets",
        ["healpix"],
        unique=False,
        schema="core",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_targets_name_keys",
        "targets",
        ["name_keys"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_targets_owner_name",
        "targets",
        ["owner_id", "name_key"],
        unique=True,
        schema="core",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
