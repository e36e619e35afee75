"""Which points are on a light curve, as conditions of SQL."""

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.sql.expression import FromClause

from bhtom_core.light_curves.tables import points
from bhtom_core.targets.store import LAYER as TARGET_LAYER
from bhtom_core.visibility import Layer, Reader, is_unrestricted, may_see

_older = points.alias("older")


def point_layers(table: FromClause = points) -> tuple[Layer, Layer]:
    """What a point and its data product say about who may see it."""
    return (
        Layer(table.c.owner_id, table.c.visibility, table.c.embargo_until),
        Layer(
            table.c.owner_id,
            table.c.product_visibility,
            table.c.product_embargo_until,
        ),
    )


def visible(reader: Reader) -> ColumnElement[bool]:
    """Whether a reader may see a point; needs the targets table in the query."""
    return may_see(reader, TARGET_LAYER, *point_layers())


def on_light_curve(reader: Reader) -> ColumnElement[bool]:
    """Whether a point is on the light curve that a reader sees.

    Of the copies of a frame it is the oldest that he may see and nobody has hidden.
    """
    return and_(points.c.hidden_at.is_(None), visible(reader), ~is_copy_for(reader))


def is_listed() -> ColumnElement[bool]:
    """Whether a point is on the light curve of everybody who may see the target."""
    unrestricted = and_(*(is_unrestricted(layer) for layer in point_layers()))
    older = and_(*(is_unrestricted(layer) for layer in point_layers(_older)))
    return and_(points.c.hidden_at.is_(None), unrestricted, ~_has_older(older))


def is_copy_for(reader: Reader) -> ColumnElement[bool]:
    """Whether a reader sees an older copy of a point, which then counts for him."""
    # The target is the same, so only what the older point says is left to ask.
    return _has_older(may_see(reader, *point_layers(_older)))


def _has_older(seen: ColumnElement[bool]) -> ColumnElement[bool]:
    found = exists(
        select(_older.c.point_id)
        .where(
            _older.c.fingerprint == points.c.fingerprint,
            _older.c.component == points.c.component,
            _older.c.target_id == points.c.target_id,
            _older.c.point_id < points.c.point_id,
            _older.c.hidden_at.is_(None),
            seen,
        )
        .correlate(points)
    )
    return and_(points.c.copy_of.is_not(None), found)


def exceptional() -> ColumnElement[bool]:
    """Points that some readers see and others do not; few, and indexed."""
    return and_(
        points.c.hidden_at.is_(None),
        or_(~points.c.listed, points.c.copy_of.is_not(None)),
    )
