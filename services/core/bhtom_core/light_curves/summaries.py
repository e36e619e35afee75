"""Light curves in short, as a reader sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

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

CURRENT = and_(
    point_revisions.c.point_id == points.c.point_id,
    point_revisions.c.revision == points.c.current_revision,
)
HAS_MAGNITUDE = and_(
    point_revisions.c.quantity == "magnitude",
    point_revisions.c.value.is_not(None),
    ~point_revisions.c.is_limit,
    ~point_revisions.c.difference,
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
    if found and reader.user_id is not None:
        await _add_exceptions(connection, reader, found)
    return found


async def _add_exceptions(
    connection: AsyncConnection, reader: Reader, found: dict[int, Summary]
) -> None:
    """Add what only this reader sees: the kept figures are those of everybody."""
    counts = (await connection.execute(_differences(reader, list(found)))).all()
    for row in counts:
        here = found[row.target_id]
        found[row.target_id] = replace(
            here, point_count=here.point_count + row.difference
        )
    if not counts:
        return
    changed = [row.target_id for row in counts]
    for row in await connection.execute(_last_own(reader, changed)):
        here = found[row.target_id]
        if here.last_mjd is None or row.mjd > here.last_mjd:
            found[row.target_id] = Summary(
                here.version, here.point_count, row.mjd, row.value, row.passband
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


def _last_own(reader: Reader, target_ids: list[int]) -> Query:
    return (
        select(
            points.c.target_id,
            points.c.mjd,
            point_revisions.c.value,
            point_revisions.c.passband,
        )
        .distinct(points.c.target_id)
        .join(targets, targets.c.target_id == points.c.target_id)
        .join(point_revisions, CURRENT)
        .where(
            points.c.target_id.in_(target_ids),
            exceptional(),
            on_light_curve(reader),
            HAS_MAGNITUDE,
        )
        .order_by(points.c.target_id, points.c.mjd.desc(), points.c.point_id)
    )
