"""Requests with their pinned inputs, and one calibration for each plane of each."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
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
from sqlalchemy.dialects.postgresql import JSONB

from bhtom_cpcs.calibrations.domain import RequestState
from bhtom_cpcs.schema import METADATA

_STATES: Final = ", ".join(f"'{state}'" for state in RequestState)

CAMERA_ID: Final = "(((request -> 'camera') ->> 'camera_id')::bigint)"

REQUESTS: Final = Table(
    "calibration_requests",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("data_product_id", BigInteger, nullable=False),
    Column("request_order", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("embargo_until", DateTime(timezone=True)),
    Column("target_id", BigInteger, nullable=False),
    # The event whole: every input of the reduction but pixels and tiles.
    Column("request", JSONB, nullable=False),
    # What had been decided when the reduction first started; a repeat uses the same.
    Column("decisions", JSONB(none_as_null=True)),
    Column("state", Text, nullable=False, server_default=text("'queued'")),
    # What a waiting request waits for, and the release that did not have it.
    Column("missing_tiles", JSONB(none_as_null=True)),
    Column("traceparent", Text),
    Column(
        "received_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    Column(
        "state_changed_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    CheckConstraint("request_order >= 1", name="request_order"),
    CheckConstraint("purpose IN ('record', 'dry_run', 'preview')", name="purpose"),
    CheckConstraint("visibility IN ('private', 'groups', 'public')", name="visibility"),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    CheckConstraint(
        "(state = 'waiting') = (missing_tiles IS NOT NULL)", name="missing_tiles"
    ),
    Index("ix_calibration_requests_product", "data_product_id", "request_order"),
    # Alembic cannot compare an index on an expression; the report cards need it.
    Index("ix_calibration_requests_camera", text(CAMERA_ID)),
    Index(
        "ix_calibration_requests_unfinished",
        "state",
        "id",
        postgresql_where=text("state IN ('queued', 'waiting')"),
    ),
)

CALIBRATIONS: Final = Table(
    "calibrations",
    METADATA,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column(
        "calibration_request_id", BigInteger, ForeignKey(REQUESTS.c.id), nullable=False
    ),
    Column("plane", Integer, nullable=False),
    Column("plane_count", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    Column("reduction_time_s", Double, nullable=False),
    Column("fingerprint", Text),
    Column("software_version", Text, nullable=False),
    Column("settings_version", Text, nullable=False),
    Column("plot_key", Text),
    Column("explanation_key", Text),
    # The reduction's own words, and the event that told of them, sent again on repeats.
    Column("result", JSONB, nullable=False),
    Column("answer_topic", Text, nullable=False),
    Column("answer", JSONB, nullable=False),
    UniqueConstraint("calibration_request_id", "plane"),
    CheckConstraint("plane >= 0", name="plane"),
    CheckConstraint("plane < plane_count", name="plane_count"),
    CheckConstraint("reduction_time_s >= 0", name="reduction_time_s"),
    Index(
        "ix_calibrations_plot_key",
        "plot_key",
        postgresql_where=text("plot_key IS NOT NULL"),
    ),
    Index(
        "ix_calibrations_explanation_key",
        "explanation_key",
        postgresql_where=text("explanation_key IS NOT NULL"),
    ),
)
