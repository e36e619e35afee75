"""The end of embargoes: what was kept back becomes public by itself."""

from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, null, or_, select, update

from bhtom_core.light_curves.publication import request_publication
from bhtom_core.light_curves.settling import touch
from bhtom_core.light_curves.tables import points
from bhtom_core.targets import store as targets
from bhtom_core.targets.snapshots import target_snapshot
from bhtom_runtime.database import Database
from bhtom_runtime.service import Job

JOB_KIND: Final = "end_embargoes"
_AT_ONCE: Final = 200


class EndEmbargoes:
    """The job that ends embargoes whose time has come."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, _: Job) -> None:
        """End them in small transactions until none is left."""
        while await self._end_of_targets():
            pass
        while await self._end_of_points():
            pass

    async def _end_of_targets(self) -> bool:
        async with self._database.unit_of_work() as unit:
            ended = await targets.ended_embargoes(unit.connection, _AT_ONCE)
            for target_id in ended:
                changed = await targets.update_target(
                    unit.connection, target_id, {"embargo_until": None}
                )
                unit.emit(target_snapshot(changed))
                await request_publication(unit, target_id)
        return bool(ended)

    async def _end_of_points(self) -> bool:
        first = func.least(points.c.embargo_until, points.c.product_embargo_until)
        has_one = or_(
            points.c.embargo_until.is_not(None),
            points.c.product_embargo_until.is_not(None),
        )
        async with self._database.unit_of_work() as unit:
            due = (
                select(points.c.point_id)
                .where(has_one, first <= func.now())
                .order_by(points.c.point_id)
                .limit(_AT_ONCE)
                .with_for_update(skip_locked=True)
            )
            ids = (await unit.execute(due)).scalars().all()
            if not ids:
                return False
            statement = (
                update(points)
                .where(points.c.point_id.in_(ids))
                .values(
                    embargo_until=_unless_over("embargo_until"),
                    product_embargo_until=_unless_over("product_embargo_until"),
                    modified_at=func.now(),
                )
                .returning(points.c.target_id, points.c.point_id)
            )
            for row in (await unit.execute(statement)).all():
                touch(unit, row.target_id, row.point_id)
        return True


def _unless_over(name: str) -> ColumnElement[Any]:
    column = points.c[name]
    return case((column <= func.now(), null()), else_=column)
