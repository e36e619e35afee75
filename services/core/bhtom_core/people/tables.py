"""Tables of people."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from bhtom_core.columns import moment, person, version, words
from bhtom_core.schema import metadata

users = Table(
    "users",
    metadata,
    Column("user_id", BigInteger, Identity(always=True), primary_key=True),
    words("username", default=None),
    words("full_name"),
    words("email"),
    words("password_hash", default=None),
    Column("is_admin", Boolean, nullable=False, server_default=text("false")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    version(),
    moment("created_at"),
    moment("modified_at"),
    moment("deleted_at", optional=True),
    Index("uq_users_username", text("lower(username)"), unique=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", BigInteger, Identity(always=True), primary_key=True),
    person("user_id"),
    Column("token_hash", Text, nullable=False, unique=True),
    words("last_digits", default=None),
    words("name", default=None),
    Column("scopes", ARRAY(Text), nullable=False),
    version(),
    moment("created_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    moment("revoked_at", optional=True),
    CheckConstraint("token_hash ~ '^[0-9a-f]{64}$'", name="token_hash"),
    Index("ix_tokens_user_id", "user_id"),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("attempt_id", BigInteger, Identity(always=True), primary_key=True),
    # A hash of name and address: people type passwords into the name's field.
    words("attempt_key", default=None),
    moment("attempted_at"),
    Index("ix_sign_in_attempts_key", "attempt_key", "attempted_at"),
    Index("ix_sign_in_attempts_attempted_at", "attempted_at"),
)
