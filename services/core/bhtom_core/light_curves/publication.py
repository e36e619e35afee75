"""What outside subscribers are told: points that are, or cease to be, public."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, null, select, update

from bhtom_contracts.events.photometry import (
    PhotometricValue,
    PhotometryPublished,
    PhotometryWithdrawn,
)
from bhtom_core.light_curves.summaries import CURRENT
from bhtom_core.light_curves.tables import point_revisions, points
from bhtom_core.rows import Record
from bhtom_core.targets.store import LAYER
from bhtom_core.targets.tables import targets
from bhtom_core.visibility import is_public
from bhtom_runtime.database import Database
from bhtom_runtime.service import Job
from bhtom_runtime.unit_of_work import NewJob, UnitOfWork

JOB_KIND: Final = "publish_target"
_AT_ONCE: Final = 500


async def request_publication(unit: UnitOfWork, target_id: int) -> None:
    """Look later at every point of a target whose own visibility has changed."""
    await unit.enqueue(NewJob(JOB_KIND, {"target_id": target_id}))


class PublishTarget:
    """The job that goes through a target's points; doing it again changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, job: Job) -> None:
        """Publish and withdraw in small transactions until nothing is left."""
        target_id = int(job.payload["target_id"])
        here = points.c.target_id == target_id
        while True:
            async with self._database.unit_of_work() as unit:
                target = await locked_target(unit, target_id)
                if target is None or not await publish(unit, target, here, {}):
                    return


async def locked_target(unit: UnitOfWork, target_id: int) -> Record | None:
    """A target, deleted ones too, that nobody can make private meanwhile."""
    statement = (
        select(
            targets.c.target_id,
            targets.c.name,
            targets.c.deleted_at,
            and_(targets.c.deleted_at.is_(None), is_public(LAYER)).label("is_public"),
        )
        .where(targets.c.target_id == target_id)
        .with_for_update(read=True)
    )
    return (await unit.execute(statement)).one_or_none()


async def publish(
    unit: UnitOfWork,
    target: Record,
    which: ColumnElement[bool],
    traces: dict[int, str | None],
) -> int:
    """Tell subscribers what they do not know yet of some points; says of how many."""
    told = _to_be_told(target)
    statement = (
        select(points, *_shown_columns())
        .join(point_revisions, CURRENT)
        .where(which, points.c.published_revision.is_distinct_from(told))
        .order_by(points.c.point_id)
        .limit(_AT_ONCE)
        .with_for_update(of=points)
    )
    rows = (await unit.execute(statement)).all()
    now = datetime.now(UTC)
    for row in rows:
        payload: PhotometryPublished | PhotometryWithdrawn = (
            _published(target, row, now)
            if target.is_public and row.listed
            else _withdrawn(target, row, now)
        )
        unit.emit(payload, traceparent=traces.get(row.point_id))
    await _mark(unit, rows, told)
    return len(rows)


async def _mark(
    unit: UnitOfWork, rows: Sequence[Record], told: ColumnElement[Any]
) -> None:
    if rows:
        await unit.execute(
            update(points)
            .where(points.c.point_id.in_([row.point_id for row in rows]))
            .values(published_revision=told)
        )


def _to_be_told(target: Record) -> ColumnElement[Any]:
    """The revision that subscribers should know: none when the point is not public."""
    if not target.is_public:
        return null()
    return case((points.c.listed, points.c.current_revision), else_=null())


def _shown_columns() -> list[ColumnElement[Any]]:
    names = (
        "facility", "bjd_tdb", "flags", "quantity", "value", "error", "unit", "system",
        "passband", "passband_as_reported", "difference", "is_limit", "limit_sigma",
        "limit_definition",
    )  # fmt: skip
    return [point_revisions.c[name] for name in names]


def _published(target: Record, row: Record, now: datetime) -> PhotometryPublished:
    return PhotometryPublished(
        point_id=row.point_id,
        revision=row.current_revision,
        target_id=target.target_id,
        target_name=target.name,
        source=row.source,
        facility=row.facility,
        mjd=row.mjd,
        bjd_tdb=row.bjd_tdb,
        photometry=PhotometricValue(
            quantity=row.quantity,
            value=row.value,
            error=row.error,
            unit=row.unit,
            system=row.system,
            passband=row.passband,
            passband_as_reported=row.passband_as_reported,
            difference=row.difference,
            is_limit=row.is_limit,
            limit_sigma=row.limit_sigma,
            limit_definition=row.limit_definition,
        ),
        flags=row.flags,
        published_at=now,
    )


def _withdrawn(target: Record, row: Record, now: datetime) -> PhotometryWithdrawn:
    return PhotometryWithdrawn(
        point_id=row.point_id,
        target_id=target.target_id,
        reason=_reason(target, row),
        withdrawn_at=now,
    )


def _reason(target: Record, row: Record) -> str:
    """Why, without anything that only some may read."""
    if target.deleted_at is not None:
        return "The target was deleted."
    if not target.is_public:
        return "The target is not public any more."
    if row.hidden_at is not None:
        return "The point was hidden."
    if row.copy_of is not None:
        return "The point is a copy of another one."
    return "The point is not public any more."
