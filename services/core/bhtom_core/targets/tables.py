"""Table of targets."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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
    # 1 sigma along each axis of what the position says, in arcsec.
    number("position_error"),
    Column("elements", JSONB(none_as_null=True)),
    # In short, with the hash of its rows; these are in `ephemerides`.
    Column("ephemeris", JSONB(none_as_null=True)),
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
    CheckConstraint(
        "(position_kind = 'elements') = (elements IS NOT NULL) AND "
        "(position_kind = 'ephemeris') = (ephemeris IS NOT NULL)",
        name="moving_has_model",
    ),
    CheckConstraint("position_error > 0", name="position_error"),
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

# Apart, so that lists of targets need not read them: up to 1000 rows each, of MJD, RA,
# Dec and distance. Requests carry their own copy, so a replaced table is not kept.
ephemerides = Table(
    "ephemerides",
    metadata,
    Column(
        "target_id",
        BigInteger,
        ForeignKey("core.targets.target_id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("rows", JSONB, nullable=False),
)
