"""Light curves in short, as a reader sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, case, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.flags import PointFlag
from bhtom_core.light_curves.rules import exceptional, on_light_curve
from bhtom_core.light_curves.tables import light_curves, point_revisions, points
from bhtom_core.rows import Query
from bhtom_core.targets.tables import targets
from bhtom_core.visibility import Reader


@dataclass(frozen=True, slots=True)
class Summary:
    """How many points, and the last magnitude."""

    version: int = 0
    point_count: int = 0
    last_mjd: float | None = None
    last_magnitude: float | None = None
    last_passband: str | None = None


NO_LIGHT_CURVE = Summary()

# The target is in both, which lets PostgreSQL read a whole light curve at once.
CURRENT = and_(
    point_revisions.c.target_id == points.c.target_id,
    point_revisions.c.point_id == points.c.point_id,
    point_revisions.c.revision == points.c.current_revision,
)
# Poor calibrations are kept, and shown to who asks for what is hidden.
IS_POOR = point_revisions.c.flags.bitwise_and(
    int(PointFlag.POOR_ZERO_POINT)
) != literal(0)
HAS_MAGNITUDE = and_(
    point_revisions.c.quantity == "magnitude",
    point_revisions.c.value.is_not(None),
    ~point_revisions.c.is_limit,
    ~point_revisions.c.difference,
    ~IS_POOR,
)


async def summaries(
    connection: AsyncConnection, reader: Reader, target_ids: Sequence[int]
) -> dict[int, Summary]:
    """The light curves of some targets; one without points has none."""
    statement = select(
        light_curves.c.target_id,
        light_curves.c.version,
        light_curves.c.point_count,
        light_curves.c.last_mjd,
        light_curves.c.last_magnitude,
        light_curves.c.last_passband,
    ).where(light_curves.c.target_id.in_(target_ids))
    rows = (await connection.execute(statement)).all()
    found = {row.target_id: Summary(*row[1:]) for row in rows}
    if found:
        await _add_exceptions(connection, reader, found)
    return found


async def _add_exceptions(
    connection: AsyncConnection, reader: Reader, found: dict[int, Summary]
) -> None:
    """Add what not everybody sees, or only since an embargo is over."""
    counts = (await connection.execute(_differences(reader, list(found)))).all()
    if not counts:
        return
    last = await connection.execute(_last_seen(reader, [r.target_id for r in counts]))
    last_of = {row.target_id: row for row in last}
    for row in counts:
        here = found[row.target_id]
        own = last_of.get(row.target_id)
        found[row.target_id] = Summary(
            here.version,
            here.point_count + row.difference,
            *((own.mjd, own.value, own.passband) if own else ()),
        )


def _differences(reader: Reader, target_ids: list[int]) -> Query:
    seen = on_light_curve(reader)
    sign = case((points.c.listed, -1), else_=1)
    return (
        select(points.c.target_id, func.sum(sign).label("difference"))
        .join(targets, targets.c.target_id == points.c.target_id)
        .where(
            points.c.target_id.in_(target_ids),
            exceptional(),
            or_(and_(~points.c.listed, seen), and_(points.c.listed, ~seen)),
        )
        .group_by(points.c.target_id)
    )


def _last_seen(reader: Reader, target_ids: list[int]) -> Query:
    """The last magnitude of each target on the light curve that a reader sees."""
    last = (
        select(points.c.mjd, point_revisions.c.value, point_revisions.c.passband)
        .join(point_revisions, CURRENT)
        .where(
            points.c.target_id == targets.c.target_id,
            on_light_curve(reader),
            HAS_MAGNITUDE,
        )
        .order_by(points.c.mjd.desc(), points.c.point_id.desc())
        .limit(1)
        .correlate(targets)
        .lateral("last")
    )
    return (
        select(targets.c.target_id, last)
        .join(last, true())
        .where(targets.c.target_id.in_(target_ids))
    )
