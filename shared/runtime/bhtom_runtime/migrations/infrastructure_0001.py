"""The runtime's tables as a service's first migration makes them; frozen."""

from types import ModuleType

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

TABLES = (
    "brokers",
    "crons",
    "database_epoch",
    "dead_letters",
    "identity_replicas",
    "inbox",
    "jobs",
    "outbox",
    "token_replicas",
)


def create_infrastructure(op: Operations | ModuleType, schema: str) -> None:
    """Make the tables, in one service's schema."""
    op.create_table(
        "brokers",
        sa.Column("cluster_id", sa.Text(), nullable=False),
        sa.Column(
            "first_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("cluster_id", name=op.f("pk_brokers")),
        schema=schema,
    )
    op.create_table(
        "crons",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_crons")),
        schema=schema,
    )
    op.create_table(
        "database_epoch",
        sa.Column(
            "singleton", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("epoch", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("singleton", name=op.f("ck_database_epoch_singleton")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_database_epoch")),
        schema=schema,
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("kafka_offset", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'dead'"), nullable=False),
        sa.Column("error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "attempts", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('dead', 'parked', 'replayed', 'discarded', 'replaced')",
            name=op.f("ck_dead_letters_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
        schema=schema,
    )
    op.create_index(
        "ix_dead_letters_open",
        "dead_letters",
        ["consumer", "topic", "key", "id"],
        unique=False,
        schema=schema,
        postgresql_where=sa.text("state IN ('dead', 'parked')"),
    )
    op.create_index(
        "uq_dead_letters_event",
        "dead_letters",
        ["consumer", "event_id"],
        unique=True,
        schema=schema,
    )
    op.create_table(
        "identity_replicas",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("aggregate_version", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_identity_replicas")),
        schema=schema,
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_inbox")),
        schema=schema,
    )
    op.create_index(
        "ix_inbox_claimed_at", "inbox", ["claimed_at"], unique=False, schema=schema
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "queue", sa.Text(), server_default=sa.text("'default'"), nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "state", sa.Text(), server_default=sa.text("'ready'"), nullable=False
        ),
        sa.Column(
            "priority", sa.SmallInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("fair_key", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("limit_key", sa.Text(), nullable=True),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "max_attempts", sa.Integer(), server_default=sa.text("5"), nullable=False
        ),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column(
            "run_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('ready', 'running', 'done', 'dead', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        schema=schema,
    )
    op.create_index(
        "ix_jobs_finished_at", "jobs", ["finished_at"], unique=False, schema=schema
    )
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        ["queue", "fair_key", sa.literal_column("priority DESC"), "run_at", "id"],
        unique=False,
        schema=schema,
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "ix_jobs_running",
        "jobs",
        ["queue", "lease_until"],
        unique=False,
        schema=schema,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "uq_jobs_dedupe",
        "jobs",
        ["kind", "dedupe_key"],
        unique=True,
        schema=schema,
        postgresql_where=sa.text("state IN ('ready', 'running')"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
        schema=schema,
    )
    op.create_index(
        "ix_outbox_published_at",
        "outbox",
        ["published_at"],
        unique=False,
        schema=schema,
    )
    op.create_index(
        "ix_outbox_topic_key_id",
        "outbox",
        ["topic", "key", "id"],
        unique=False,
        schema=schema,
    )
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["id"],
        unique=False,
        schema=schema,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "token_replicas",
        sa.Column("token_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("aggregate_version", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_token_replicas")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_token_replicas_token_hash")),
        schema=schema,
    )
    op.execute(sa.text(f"INSERT INTO {schema}.database_epoch DEFAULT VALUES"))


def drop_infrastructure(op: Operations | ModuleType, schema: str) -> None:
    """Undo `create_infrastructure`."""
    for table in reversed(TABLES):
        op.drop_table(table, schema=schema)
