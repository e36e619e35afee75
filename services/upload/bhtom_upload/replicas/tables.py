"""Targets and cameras as core last told of them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bhtom_upload.schema import metadata

target_replicas = Table(
    "target_replicas",
    metadata,
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("aggregate_version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("position", JSONB, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("embargo_until", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
    Index("ix_target_replicas_name", "name"),
)

camera_replicas = Table(
    "camera_replicas",
    metadata,
    Column("camera_id", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("aggregate_version", BigInteger, nullable=False),
    Column("oname", Text, nullable=False),
    Column("camera", JSONB, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("approval", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    Index("ix_camera_replicas_oname", "oname"),
)
