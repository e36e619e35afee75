"""Table of targets."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from bhtom_core.columns import (
    moment,
    number,
    person,
    version,
    visibility,
    visibility_check,
    words,
)
from bhtom_core.schema import metadata

_LIVE = text("deleted_at IS NULL")

targets = Table(
    "targets",
    metadata,
    Column("target_id", BigInteger, Identity(always=True), primary_key=True),
    words("name", default=None),
    words("name_key", default=None),
    Column("aliases", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # The keys of the name and of all aliases, to look up and to compare by.
    Column("name_keys", ARRAY(Text), nullable=False),
    words("position_kind", default="sidereal"),
    Column("position_version", Integer, nullable=False, server_default=text("1")),
    number("ra"),
    number("dec"),
    number("epoch", optional=False),
    number("pm_ra"),
    number("pm_dec"),
    number("parallax"),
    # Nested, of order 29; null for what moves.
    Column("healpix", BigInteger),
    words("classification", default="Unknown"),
    words("description"),
    number("importance", optional=False),
    number("cadence", optional=False),
    person("owner_id"),
    visibility(),
    moment("embargo_until", optional=True),
    Column("archives_allowed", Boolean, nullable=False, server_default=text("true")),
    version(),
    moment("created_at"),
    moment("modified_at"),
    moment("deleted_at", optional=True),
    visibility_check(),
    CheckConstraint(
        "position_kind IN ('sidereal', 'elements', 'ephemeris')", name="position_kind"
    ),
    CheckConstraint(
        "position_kind <> 'sidereal' OR "
        "(ra IS NOT NULL AND dec IS NOT NULL AND healpix IS NOT NULL)",
        name="sidereal_has_position",
    ),
    CheckConstraint("ra >= 0 AND ra < 360", name="ra"),
    CheckConstraint("dec BETWEEN -90 AND 90", name="dec"),
    CheckConstraint("importance BETWEEN 0 AND 10", name="importance"),
    CheckConstraint("cadence >= 0", name="cadence"),
    # Not unique among all owners: a private target must not betray itself.
    Index(
        "uq_targets_owner_name",
        "owner_id",
        "name_key",
        unique=True,
        postgresql_where=_LIVE,
    ),
    Index(
        "ix_targets_name_keys",
        "name_keys",
        postgresql_using="gin",
        postgresql_where=_LIVE,
    ),
    Index("ix_targets_healpix", "healpix", postgresql_where=_LIVE),
    Index(
        "ix_targets_embargo_until",
        "embargo_until",
        postgresql_where=text("embargo_until IS NOT NULL"),
    ),
)
