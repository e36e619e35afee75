"""The tables that every service has in its own schema, beside its domain's."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """Handles on the tables below, for one service's metadata."""

    schema: str
    epoch: Table
    outbox: Table
    inbox: Table
    dead_letters: Table
    jobs: Table
    crons: Table
    brokers: Table
    identities: Table
    tokens: Table


def service_metadata(schema: str) -> MetaData:
    """Metadata of a service's schema, with the constraint names all services use."""
    return MetaData(schema=schema, naming_convention=NAMING)


def _now(name: str) -> "Column[object]":
    return Column(
        name, DateTime(timezone=True), nullable=False, server_default=func.now()
    )


def infrastructure(metadata: MetaData) -> Infrastructure:
    """Add the runtime's tables to a service's metadata."""
    assert metadata.schema is not None  # noqa: S101 - narrows the type
    return Infrastructure(
        # SQLAlchemy keeps it as a quoted_name; asyncpg takes nothing but str.
        schema=str(metadata.schema),
        epoch=_epoch(metadata),
        outbox=_outbox(metadata),
        inbox=_inbox(metadata),
        dead_letters=_dead_letters(metadata),
        jobs=_jobs(metadata),
        crons=_crons(metadata),
        brokers=_brokers(metadata),
        identities=_identities(metadata),
        tokens=_tokens(metadata),
    )


def _epoch(metadata: MetaData) -> Table:
    """One row: which life of this database it is; a restore begins the next."""
    return Table(
        "database_epoch",
        metadata,
        Column("singleton", Boolean, primary_key=True, server_default=text("true")),
        Column("epoch", Integer, nullable=False, server_default=text("1")),
        CheckConstraint("singleton", name="singleton"),
    )


def _outbox(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False, unique=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("schema_version", Integer, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("traceparent", Text),
        _now("created_at"),
        Column("published_at", DateTime(timezone=True)),
        Index(
            "ix_outbox_unpublished", "id", postgresql_where=text("published_at IS NULL")
        ),
        Index("ix_outbox_published_at", "published_at"),
        Index("ix_outbox_topic_key_id", "topic", "key", "id"),
    )


def _inbox(metadata: MetaData) -> Table:
    return Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("topic", Text, nullable=False),
        _now("claimed_at"),
        Index("ix_inbox_claimed_at", "claimed_at"),
    )


def _dead_letters(metadata: MetaData) -> Table:
    """Events that could not be applied, and those parked behind them by key."""
    return Table(
        "dead_letters",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("kafka_offset", BigInteger, nullable=False),
        Column("key", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("state", Text, nullable=False, server_default=text("'dead'")),
        Column("error", Text, nullable=False, server_default=text("''")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        _now("created_at"),
        Column("resolved_at", DateTime(timezone=True)),
        CheckConstraint(
            "state IN ('dead', 'parked', 'replayed', 'discarded', 'replaced')",
            name="state",
        ),
        Index(
            "ix_dead_letters_open",
            "consumer",
            "topic",
            "key",
            "id",
            postgresql_where=text("state IN ('dead', 'parked')"),
        ),
        Index("uq_dead_letters_event", "consumer", "event_id", unique=True),
    )


def _jobs(metadata: MetaData) -> Table:
    return Table(
        "jobs",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("queue", Text, nullable=False, server_default=text("'default'")),
        Column("kind", Text, nullable=False),
        Column("payload", JSONB, nullable=False, server_default=text("'{}'")),
        Column("state", Text, nullable=False, server_default=text("'ready'")),
        Column("priority", SmallInteger, nullable=False, server_default=text("0")),
        Column("fair_key", Text, nullable=False, server_default=text("''")),
        Column("limit_key", Text),
        Column("dedupe_key", Text),
        Column("attempt", Integer, nullable=False, server_default=text("0")),
        Column("max_attempts", Integer, nullable=False, server_default=text("5")),
        Column("worker", Text),
        Column("lease_until", DateTime(timezone=True)),
        Column("error", Text),
        Column("traceparent", Text),
        _now("run_at"),
        _now("created_at"),
        Column("started_at", DateTime(timezone=True)),
        Column("finished_at", DateTime(timezone=True)),
        CheckConstraint(
            "state IN ('ready', 'running', 'done', 'dead', 'cancelled')", name="state"
        ),
        Index(
            "ix_jobs_ready",
            "queue",
            "fair_key",
            text("priority DESC"),
            "run_at",
            "id",
            postgresql_where=text("state = 'ready'"),
        ),
        Index(
            "ix_jobs_running",
            "queue",
            "lease_until",
            postgresql_where=text("state = 'running'"),
        ),
        Index(
            "uq_jobs_dedupe",
            "kind",
            "dedupe_key",
            unique=True,
            postgresql_where=text("state IN ('ready', 'running')"),
        ),
        Index("ix_jobs_finished_at", "finished_at"),
    )


def _crons(metadata: MetaData) -> Table:
    return Table(
        "crons",
        metadata,
        Column("name", Text, primary_key=True),
        Column("next_run_at", DateTime(timezone=True), nullable=False),
        Column("last_run_at", DateTime(timezone=True)),
    )


def _brokers(metadata: MetaData) -> Table:
    """Which Kafka cluster the outbox was published to; another one has nothing."""
    return Table(
        "brokers",
        metadata,
        Column("cluster_id", Text, primary_key=True),
        _now("first_seen_at"),
    )


def _identities(metadata: MetaData) -> Table:
    """Replica of core's people."""
    return Table(
        "identity_replicas",
        metadata,
        Column("user_id", BigInteger, primary_key=True, autoincrement=False),
        Column("epoch", Integer, nullable=False),
        Column("aggregate_version", BigInteger, nullable=False),
        Column("username", Text, nullable=False),
        Column("full_name", Text, nullable=False, server_default=text("''")),
        Column("is_active", Boolean, nullable=False),
        Column("is_admin", Boolean, nullable=False),
        Column("deleted_at", DateTime(timezone=True)),
    )


def _tokens(metadata: MetaData) -> Table:
    """Replica of core's token hashes."""
    return Table(
        "token_replicas",
        metadata,
        Column("token_id", BigInteger, primary_key=True, autoincrement=False),
        Column("epoch", Integer, nullable=False),
        Column("aggregate_version", BigInteger, nullable=False),
        Column("token_hash", Text, nullable=False, unique=True),
        Column("user_id", BigInteger, nullable=False),
        Column("scopes", ARRAY(Text), nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False),
        Column("revoked_at", DateTime(timezone=True)),
        Column("deleted_at", DateTime(timezone=True)),
    )


__all__ = [
    "Infrastructure",
    "infrastructure",
    "service_metadata",
]
