"""The tables of people at first."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create() -> None:
    """Make them."""
    _users()
    _tokens()
    _sign_in_attempts()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("email", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column(
            "is_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False
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
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        schema="core",
    )
    op.create_index(
        "uq_users_username",
        "users",
        [sa.literal_column("lower(username)")],
        unique=True,
        schema="core",
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column(
            "token_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("last_digits", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "token_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_tokens_token_hash")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core.users.user_id"], name=op.f("fk_tokens_user_id_users")
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_tokens_token_hash")),
        schema="core",
    )
    op.create_index(
        "ix_tokens_user_id", "tokens", ["user_id"], unique=False, schema="core"
    )


def _sign_in_attempts() -> None:
    op.create_table(
        "sign_in_attempts",
        sa.Column(
            "attempt_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("attempt_key", sa.Text(), nullable=False),
        sa.Column(
            "attempted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_sign_in_attempts")),
        schema="core",
    )
    op.create_index(
        "ix_sign_in_attempts_attempted_at",
        "sign_in_attempts",
        ["attempted_at"],
        unique=False,
        schema="core",
    )
    op.create_index(
        "ix_sign_in_attempts_key",
        "sign_in_attempts",
        ["attempt_key", "attempted_at"],
        unique=False,
        schema="core",
    )
