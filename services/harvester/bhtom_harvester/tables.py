"""The harvester's schema."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from bhtom_runtime.tables import infrastructure, service_metadata

metadata = service_metadata("harvester")
INFRASTRUCTURE = infrastructure(metadata)

targets = Table(
    "target_replicas",
    metadata,
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("aggregate_version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("aliases", ARRAY(Text), nullable=False),
    Column("ra", Double),
    Column("dec", Double),
    Column("owner_id", BigInteger, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("embargo_until", DateTime(timezone=True)),
    Column("archives_allowed", Boolean, nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
)

harvests = Table(
    "harvests",
    metadata,
    Column("harvest_id", BigInteger, Identity(always=True), primary_key=True),
    Column("target_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'scheduled'")),
    Column("message", Text, nullable=False, server_default=text("''")),
    Column("record_name", Text, comment="the archive's name of the target"),
    Column("row_count", Integer, nullable=False, server_default=text("0")),
    Column("content_hash", Text, comment="of the rows sent last"),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("next_at", DateTime(timezone=True)),
    Column(
        "created_at", DateTime(timezone=True), nullable=False, server_default=func.now()
    ),
    UniqueConstraint("target_id", "source"),
    CheckConstraint(
        "state IN ('scheduled', 'waiting', 'done', 'nothing', 'failed', 'stopped')",
        name="state",
    ),
    Index("ix_harvests_next_at", "next_at"),
)

source_states = Table(
    "source_states",
    metadata,
    Column("source", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False, server_default=text("''")),
    Column("last_success_at", DateTime(timezone=True)),
    Column("last_failure_at", DateTime(timezone=True)),
    Column("hold_until", DateTime(timezone=True), comment="not asked before"),
    CheckConstraint("state IN ('ok', 'unreachable', 'failing')", name="state"),
)

documents = Table(
    "documents",
    metadata,
    Column("url", Text, primary_key=True),
    Column("etag", Text),
    Column("body", LargeBinary, nullable=False),
    Column("fetched_at", DateTime(timezone=True), nullable=False),
    comment="large lists of archives, fetched at most once a day",
)
