"""What calibrations measured, and the campaigns that make them again."""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from bhtom_upload.data_products.tables import data_products
from bhtom_upload.recalibrations.domain import ItemState, State
from bhtom_upload.schema import metadata


def _one_of(column: str, values: Iterable[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


def _moment(name: str) -> Column[object]:
    return Column(
        name, DateTime(timezone=True), nullable=False, server_default=func.now()
    )


# A line of each answer: enough to select products by it and to compare two answers.
plane_measurements = Table(
    "plane_measurements",
    metadata,
    Column(
        "data_product_id",
        BigInteger,
        ForeignKey(data_products.c.data_product_id),
        primary_key=True,
    ),
    Column("request_order", Integer, primary_key=True, autoincrement=False),
    Column("plane", Integer, primary_key=True, autoincrement=False),
    Column("target_id", BigInteger, primary_key=True, autoincrement=False),
    Column("purpose", Text, nullable=False),
    Column("mid_exposure_mjd", Double, nullable=False),
    Column("passband", Text, nullable=False),
    Column("catalogue", Text, nullable=False),
    Column("release", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("software_version", Text, nullable=False),
    Column("settings_version", Text, nullable=False),
    Column("magnitude", Double),
    Column("magnitude_error", Double),
    Column("limit_5_sigma", Double),
    Column("is_limit", Boolean, nullable=False),
    Column("flags", BigInteger, nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("purpose IN ('record', 'dry_run', 'preview')", name="purpose"),
    Index("ix_plane_measurements_time", "mid_exposure_mjd"),
)

# Answers from before these lines were kept, to be sent once more by cpcs.
missing_measurements = Table(
    "missing_measurements",
    metadata,
    Column(
        "data_product_id",
        BigInteger,
        ForeignKey(data_products.c.data_product_id),
        primary_key=True,
    ),
    Column("request_order", Integer, primary_key=True, autoincrement=False),
    Column("times_asked", Integer, nullable=False, server_default=text("0")),
    Column("asked_at", DateTime(timezone=True)),
)

# A line of each plane that failed, so that campaigns can take those too. Without a
# time the exposure's middle was never found.
plane_failures = Table(
    "plane_failures",
    metadata,
    Column(
        "data_product_id",
        BigInteger,
        ForeignKey(data_products.c.data_product_id),
        primary_key=True,
    ),
    Column("request_order", Integer, primary_key=True, autoincrement=False),
    Column("plane", Integer, primary_key=True, autoincrement=False),
    Column("mid_exposure_mjd", Double),
    Column("method", Text, nullable=False),
    Column("software_version", Text, nullable=False),
    Column("settings_version", Text, nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    Index("ix_plane_failures_time", "mid_exposure_mjd"),
)

recalibrations = Table(
    "recalibrations",
    metadata,
    Column("recalibration_id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    # Whether an administrator asked, who may touch everybody's products.
    Column("by_admin", Boolean, nullable=False),
    Column("idempotency_key", Text),
    Column("selection", JSONB, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("preview", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("stopped_from", Text),
    Column("message", Text, nullable=False),
    # The last product that was looked at while collecting.
    Column("collected_until", BigInteger, nullable=False, server_default=text("0")),
    _moment("created_at"),
    _moment("modified_at"),
    CheckConstraint(_one_of("state", State), name="state"),
    CheckConstraint(_one_of("stopped_from", State), name="stopped_from"),
    CheckConstraint("(state = 'stopped') = (stopped_from IS NOT NULL)", name="stopped"),
    UniqueConstraint("user_id", "idempotency_key"),
    Index(
        "ix_recalibrations_working",
        "recalibration_id",
        postgresql_where=text("state IN ('collecting', 'previewing', 'accepting')"),
    ),
)

recalibration_items = Table(
    "recalibration_items",
    metadata,
    Column(
        "recalibration_id",
        BigInteger,
        ForeignKey(recalibrations.c.recalibration_id),
        primary_key=True,
    ),
    Column(
        "data_product_id",
        BigInteger,
        ForeignKey(data_products.c.data_product_id),
        primary_key=True,
    ),
    Column("state", Text, nullable=False, server_default=text("'selected'")),
    Column("message", Text, nullable=False, server_default=text("''")),
    # The request that decided when the item was taken up, and whose values stood.
    Column("base_order", Integer),
    Column("old_order", Integer),
    Column("preview_order", Integer),
    Column("record_order", Integer),
    _moment("state_changed_at"),
    _moment("asked_at"),
    CheckConstraint(_one_of("state", ItemState), name="state"),
    Index("ix_recalibration_items_state", "recalibration_id", "state"),
    Index(
        "ix_recalibration_items_in_flight",
        "data_product_id",
        postgresql_where=text("state IN ('previewing', 'recording')"),
    ),
)
