"""Targets, cameras and data products as their owners last told of them."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Integer,
    Table,
    Text,
)

from bhtom_cpcs.schema import METADATA

TARGETS: Final = Table(
    "target_replicas",
    METADATA,
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("aggregate_version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("ra", Double),
    Column("dec", Double),
    Column("owner_id", BigInteger, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("embargo_until", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
)

CAMERAS: Final = Table(
    "camera_replicas",
    METADATA,
    Column("camera_id", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("aggregate_version", BigInteger, nullable=False),
    Column("camera_version", Integer, nullable=False),
    Column("oname", Text, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
)

# Of upload: who may see what came from a product, and whether it is still there.
DATA_PRODUCTS: Final = Table(
    "data_product_replicas",
    METADATA,
    Column("data_product_id", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("aggregate_version", BigInteger, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("embargo_until", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
)
