"""The end of every change of points: what follows for light curves and subscribers.

Points may be recorded for the same target in many transactions at once. The row of
the light curve is locked here, at the end and in the order of the targets, so that
they queue for a moment and never wait for each other in a circle.
"""

from collections.abc import Set

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from bhtom_contracts.events.photometry import LightCurveUpdated
from bhtom_core.light_curves.publication import locked_target, publish
from bhtom_core.light_curves.rules import is_listed
from bhtom_core.light_curves.summaries import CURRENT, HAS_MAGNITUDE
from bhtom_core.light_curves.tables import light_curves, point_revisions, points
from bhtom_core.rows import Record
from bhtom_runtime.tracing import current_traceparent
from bhtom_runtime.unit_of_work import UnitOfWork

Touched = tuple[int, int, str | None]
_CHUNK = 400


def touch(unit: UnitOfWork, target_id: int, point_id: int) -> None:
    """Say that a point has changed in a way that its readers can see."""
    unit.at_end(settle, (target_id, point_id, current_traceparent()))


async def settle(unit: UnitOfWork, touched: Set[Touched]) -> None:
    """Bring light curves and subscribers up to date with the points touched."""
    by_target: dict[int, dict[int, str | None]] = {}
    for target_id, point_id, traceparent in touched:
        by_target.setdefault(target_id, {})[point_id] = traceparent
    for target_id in sorted(by_target):
        await _settle(unit, target_id, by_target[target_id])


async def _settle(
    unit: UnitOfWork, target_id: int, traces: dict[int, str | None]
) -> None:
    target = await locked_target(unit, target_id)
    assert target is not None  # noqa: S101 - its points refer to it
    await _lock_light_curve(unit, target_id)
    ids = sorted(await _with_copies(unit, list(traces)))
    difference = await _list_points(unit, ids)
    light_curve = await _summarise(unit, target_id, difference)
    for start in range(0, len(ids), _CHUNK):
        chunk = points.c.point_id.in_(ids[start : start + _CHUNK])
        await publish(unit, target, chunk, traces)
    unit.emit(
        LightCurveUpdated(
            target_id=target_id,
            light_curve_version=light_curve.version,
            point_count=light_curve.point_count,
            updated_at=light_curve.updated_at,
        ),
        traceparent=next(iter(traces.values())),
    )


async def _lock_light_curve(unit: UnitOfWork, target_id: int) -> None:
    await unit.execute(
        insert(light_curves)
        .values(target_id=target_id, version=1)
        .on_conflict_do_update(
            index_elements=[light_curves.c.target_id],
            set_={"version": light_curves.c.version + 1, "updated_at": func.now()},
        )
    )


async def _with_copies(unit: UnitOfWork, point_ids: list[int]) -> set[int]:
    """The points and every copy of theirs: hiding one shows the next."""
    touched, other = points.alias("touched"), points.alias("other")
    statement = (
        select(other.c.point_id)
        .join(
            touched,
            (other.c.fingerprint == touched.c.fingerprint)
            & (other.c.component == touched.c.component)
            & (other.c.target_id == touched.c.target_id),
        )
        .where(touched.c.point_id.in_(point_ids), touched.c.fingerprint.is_not(None))
    )
    return {*point_ids, *(await unit.execute(statement)).scalars()}


async def _list_points(unit: UnitOfWork, point_ids: list[int]) -> int:
    """Set which points everybody sees; gives by how many there are more."""
    difference = 0
    for start in range(0, len(point_ids), _CHUNK):
        statement = (
            update(points)
            .where(
                points.c.point_id.in_(point_ids[start : start + _CHUNK]),
                points.c.listed != is_listed(),
            )
            .values(listed=~points.c.listed)
            .returning(points.c.listed)
        )
        flipped = (await unit.execute(statement)).scalars().all()
        difference += sum(1 if listed else -1 for listed in flipped)
    return difference


async def _summarise(unit: UnitOfWork, target_id: int, difference: int) -> Record:
    last = (
        select(points.c.mjd, point_revisions.c.value, point_revisions.c.passband)
        .join(point_revisions, CURRENT)
        .where(points.c.target_id == target_id, points.c.listed, HAS_MAGNITUDE)
        .order_by(points.c.mjd.desc(), points.c.point_id.desc())
        .limit(1)
    )
    row: Record | None = (await unit.execute(last)).one_or_none()
    mjd, magnitude, passband = row or (None, None, None)
    statement = (
        update(light_curves)
        .where(light_curves.c.target_id == target_id)
        .values(
            point_count=light_curves.c.point_count + difference,
            last_mjd=mjd,
            last_magnitude=magnitude,
            last_passband=passband,
        )
        .returning(*light_curves.c)
    )
    return (await unit.execute(statement)).one()
