"""Queries on what was answered and recorded of a product's planes."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert as upsert

from bhtom_contracts.outcomes import Outcome
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products.domain import Answer, AnswerKind, Plane, Recorded
from bhtom_upload.data_products.tables import planes


async def planes_of(
    unit: UnitOfWork, data_product_id: int, request_order: int
) -> dict[int, Plane]:
    """The planes that were answered under one request, by number."""
    rows = await unit.execute(
        select(planes).where(
            planes.c.data_product_id == data_product_id,
            planes.c.request_order == request_order,
        )
    )
    return {row.plane: _plane_of(row) for row in rows}


async def keep_plane(
    unit: UnitOfWork, data_product_id: int, request_order: int, plane: Plane
) -> None:
    """Write what is known of a plane."""
    answer, recorded = plane.answer, plane.recorded
    values = {
        "plane_count": plane.plane_count,
        "state": plane.state,
        "answer": answer.kind if answer else None,
        "outcome": answer.outcome if answer else None,
        "message": answer.message if answer else "",
        "calibration_id": answer.calibration_id if answer else None,
        "has_plot": answer.has_plot if answer else False,
        "finished_at": answer.finished_at if answer else None,
        "recorded_at": recorded.recorded_at if recorded else None,
        "dispositions": list(recorded.dispositions) if recorded else [],
        "point_ids": list(recorded.point_ids) if recorded else [],
    }
    keys = (planes.c.data_product_id, planes.c.request_order, planes.c.plane)
    statement = upsert(planes).values(
        data_product_id=data_product_id,
        request_order=request_order,
        plane=plane.plane,
        **values,
    )
    await unit.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=values)
    )


def _plane_of(row: Row[Any]) -> Plane:
    answer = None
    if row.answer is not None:
        answer = Answer(
            AnswerKind(row.answer),
            Outcome(row.outcome),
            row.message,
            row.calibration_id,
            row.has_plot,
            row.finished_at,
        )
    recorded = None
    if row.recorded_at is not None:
        recorded = Recorded(
            row.recorded_at, tuple(row.dispositions), tuple(row.point_ids)
        )
    return Plane(row.plane, row.plane_count, answer, recorded)
