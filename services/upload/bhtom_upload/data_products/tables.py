"""Files, data products, the requests made for them and the answers to these."""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from bhtom_upload.data_products.domain import AnswerKind, PlaneState, State
from bhtom_upload.schema import metadata


def _one_of(column: str, values: Iterable[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


_PACKINGS = ("plain", "gzip", "fpack", "bzip2", "xz", "zip")

files = Table(
    "files",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("packing", Text, nullable=False),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
    CheckConstraint("size_bytes > 0", name="size_bytes"),
    CheckConstraint(_one_of("packing", _PACKINGS), name="packing"),
)

data_products = Table(
    "data_products",
    metadata,
    Column("data_product_id", BigInteger, Identity(always=True), primary_key=True),
    Column("aggregate_version", BigInteger, nullable=False, server_default=text("1")),
    Column("kind", Text, nullable=False, server_default=text("'fits_file'")),
    Column("owner_id", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("sha256", Text, ForeignKey(files.c.sha256), nullable=False),
    Column("target_id", BigInteger, nullable=False),
    Column("target_name", Text, nullable=False),
    Column("camera_id", BigInteger),
    Column("oname", Text, nullable=False, server_default=text("''")),
    Column("dry_run", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    # No CHECK on outcomes: new ones come with events, before any migration.
    Column("outcome", Text),
    Column("message", Text, nullable=False),
    Column("request_order", Integer, nullable=False, server_default=text("0")),
    Column("file_name", Text, nullable=False),
    Column("observers", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("requested_filter", Text, nullable=False),
    Column("batch", Text),
    Column("comment", Text, nullable=False, server_default=text("''")),
    Column("visibility", Text, nullable=False, server_default=text("'public'")),
    Column("embargo_until", DateTime(timezone=True)),
    Column("trace_id", Text),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    Column(
        "modified_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    # Since when an answer is awaited: the last change of state or the last asking.
    Column(
        "awaiting_since",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    Column("redrive_count", Integer, nullable=False, server_default=text("0")),
    Column("deleted_at", DateTime(timezone=True)),
    CheckConstraint(_one_of("state", State), name="state"),
    CheckConstraint(
        "kind IN ('fits_file', 'photometry', 'photometry_csv', 'spectroscopy')",
        name="kind",
    ),
    CheckConstraint("visibility IN ('private', 'groups', 'public')", name="visibility"),
    UniqueConstraint(
        "owner_id",
        "sha256",
        "kind",
        "target_id",
        "camera_id",
        "dry_run",
        name="uq_data_products_identity",
        postgresql_nulls_not_distinct=True,
    ),
    Index("ix_data_products_owner", "owner_id", text("data_product_id DESC")),
    Index("ix_data_products_target", "target_id", text("data_product_id DESC")),
    Index("ix_data_products_sha256", "sha256"),
    Index(
        "ix_data_products_batch",
        "batch",
        "data_product_id",
        postgresql_where=text("batch IS NOT NULL"),
    ),
    Index(
        "ix_data_products_in_flight",
        "state",
        "awaiting_since",
        postgresql_where=text("state IN ('calibrating', 'waiting', 'recording')"),
    ),
)

calibration_requests = Table(
    "calibration_requests",
    metadata,
    Column(
        "calibration_request_id", BigInteger, Identity(always=True), primary_key=True
    ),
    Column(
        "data_product_id",
        BigInteger,
        ForeignKey(data_products.c.data_product_id),
        nullable=False,
    ),
    Column("request_order", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("observers", ARRAY(Text), nullable=False),
    # The target and the camera as they were: what was asked can be asked again.
    Column("target", JSONB, nullable=False),
    Column("camera", JSONB, nullable=False),
    # Of many at once: new frames come first.
    Column("background", Boolean, nullable=False, server_default=text("false")),
    # The preview whose decisions are used again.
    Column("repeats_request_id", BigInteger),
    Column("traceparent", Text),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    CheckConstraint("request_order > 0", name="request_order"),
    CheckConstraint("purpose IN ('record', 'dry_run', 'preview')", name="purpose"),
    UniqueConstraint("data_product_id", "request_order"),
)

planes = Table(
    "planes",
    metadata,
    Column(
        "data_product_id",
        BigInteger,
        ForeignKey(data_products.c.data_product_id),
        primary_key=True,
    ),
    Column("request_order", Integer, primary_key=True, autoincrement=False),
    Column("plane", Integer, primary_key=True, autoincrement=False),
    Column("plane_count", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("answer", Text),
    Column("outcome", Text),
    Column("message", Text, nullable=False, server_default=text("''")),
    Column("calibration_id", BigInteger),
    Column("has_plot", Boolean, nullable=False, server_default=text("false")),
    Column("finished_at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("dispositions", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("point_ids", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    CheckConstraint(_one_of("state", PlaneState), name="state"),
    CheckConstraint(_one_of("answer", AnswerKind), name="answer"),
    CheckConstraint("(answer IS NULL) = (finished_at IS NULL)", name="answered"),
)

data_product_events = Table(
    "data_product_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "data_product_id",
        BigInteger,
        ForeignKey(data_products.c.data_product_id),
        nullable=False,
    ),
    Column("owner_id", BigInteger, nullable=False),
    Column("stage", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_data_product_events_product", "data_product_id", "id"),
    Index("ix_data_product_events_owner", "owner_id", "id"),
)
