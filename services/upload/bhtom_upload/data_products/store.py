"""Queries on data products, their requests, planes and stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Interval,
    Row,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.events.cameras import CameraPin
from bhtom_contracts.events.frames import (
    CalibrationParameters,
    FitsUploaded,
    Purpose,
    TargetPin,
)
from bhtom_contracts.outcomes import Outcome
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products.domain import (
    Answer,
    AnswerKind,
    Plane,
    Recorded,
    Standing,
    State,
)
from bhtom_upload.data_products.tables import (
    calibration_requests,
    data_product_events,
    data_products,
    files,
    planes,
)


@dataclass(frozen=True, slots=True)
class Product:
    """A data product whose row this transaction holds."""

    data_product_id: int
    standing: Standing
    request_order: int
    size_bytes: int
    row: Row[Any]

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.standing.state


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked of cpcs, with everything that counts pinned."""

    calibration_request_id: int
    request_order: int
    purpose: Purpose
    parameters: CalibrationParameters
    observers: tuple[str, ...]
    target: TargetPin
    camera: CameraPin
    background: bool
    repeats_request_id: int | None
    traceparent: str | None


def standing_in(row: Row[Any]) -> Standing:
    """Where the product of a row stands."""
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return Standing(State(row.state), row.message, outcome)


def product_of(row: Row[Any], size_bytes: int) -> Product:
    """A product from its row and the size of its file."""
    return Product(
        data_product_id=row.data_product_id,
        standing=standing_in(row),
        request_order=row.request_order,
        size_bytes=size_bytes,
        row=row,
    )


async def lock_product(unit: UnitOfWork, data_product_id: int) -> Product | None:
    """The product, its row locked until the transaction ends."""
    row = (
        await unit.execute(
            select(data_products, files.c.size_bytes)
            .join(files, files.c.sha256 == data_products.c.sha256)
            .where(data_products.c.data_product_id == data_product_id)
            .with_for_update(of=data_products)
        )
    ).one_or_none()
    return None if row is None else product_of(row, row.size_bytes)


async def newest_request(unit: UnitOfWork, data_product_id: int) -> Request:
    """The request that decides, with what it pinned; a preview decides nothing."""
    row = (
        await unit.execute(
            select(calibration_requests)
            .where(
                calibration_requests.c.data_product_id == data_product_id,
                calibration_requests.c.purpose != "preview",
            )
            .order_by(calibration_requests.c.request_order.desc())
            .limit(1)
        )
    ).one()
    return _request_of(row)


async def next_order(unit: UnitOfWork, data_product_id: int) -> int:
    """The number of a locked product's next request."""
    statement = select(func.max(calibration_requests.c.request_order)).where(
        calibration_requests.c.data_product_id == data_product_id
    )
    return ((await unit.execute(statement)).scalar_one() or 0) + 1


async def request_at(
    unit: UnitOfWork, data_product_id: int, request_order: int
) -> Request:
    """A request by its number within its product."""
    statement = select(calibration_requests).where(
        calibration_requests.c.data_product_id == data_product_id,
        calibration_requests.c.request_order == request_order,
    )
    return _request_of((await unit.execute(statement)).one())


async def is_preview(
    unit: UnitOfWork, data_product_id: int, request_order: int
) -> bool:
    """Whether a request only shows what would come of it."""
    statement = select(1).where(
        calibration_requests.c.data_product_id == data_product_id,
        calibration_requests.c.request_order == request_order,
        calibration_requests.c.purpose == "preview",
    )
    return (await unit.execute(statement)).first() is not None


def _request_of(row: Row[Any]) -> Request:
    return Request(
        calibration_request_id=row.calibration_request_id,
        request_order=row.request_order,
        purpose=row.purpose,
        parameters=CalibrationParameters.model_validate(row.parameters),
        observers=tuple(row.observers),
        target=TargetPin.model_validate(row.target),
        camera=CameraPin.model_validate(row.camera),
        background=row.background,
        repeats_request_id=row.repeats_request_id,
        traceparent=row.traceparent,
    )


async def insert_request(
    unit: UnitOfWork, data_product_id: int, values: Mapping[str, Any]
) -> Request:
    """Write a request."""
    row = (
        await unit.execute(
            insert(calibration_requests)
            .values(data_product_id=data_product_id, **values)
            .returning(calibration_requests)
        )
    ).one()
    return _request_of(row)


def event_of(product: Product, request: Request) -> FitsUploaded:
    """The event of a request: the same whenever it is sent again."""
    row = product.row
    return FitsUploaded(
        data_product_id=product.data_product_id,
        calibration_request_id=request.calibration_request_id,
        request_order=request.request_order,
        purpose=request.purpose,
        owner_id=row.owner_id,
        observers=request.observers,
        visibility=row.visibility,
        embargo_until=row.embargo_until,
        target=request.target,
        camera=request.camera,
        parameters=request.parameters,
        sha256=row.sha256,
        size_bytes=product.size_bytes,
        file_name=row.file_name,
        kind=row.kind,
        uploaded_at=row.created_at,
        background=request.background,
        repeats_request_id=request.repeats_request_id,
    )


async def add_stage(
    unit: UnitOfWork,
    product: Product,
    stage: str,
    message: str,
    *,
    at: datetime | None = None,
) -> None:
    """Write a line of the product's history; streams tell of it at commit."""
    values: dict[str, Any] = {
        "data_product_id": product.data_product_id,
        "owner_id": product.row.owner_id,
        "stage": stage,
        "state": product.state,
        "message": message,
    }
    if at is not None:
        values["at"] = at
    await unit.execute(insert(data_product_events).values(**values))
    unit.wake()


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


async def lock_overdue(
    unit: UnitOfWork, state: State, after: timedelta, limit: int
) -> Sequence[int]:
    """Products that stay too long in a state, the longest waiting first.

    Each time that they are asked for again doubles their patience, up to 64-fold.
    """
    statement = (
        select(data_products.c.data_product_id)
        .where(*_is_overdue(state, after))
        .order_by(data_products.c.awaiting_since)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await unit.execute(statement)).scalars().all()


async def count_overdue(
    connection: AsyncConnection, state: State, after: timedelta
) -> int:
    """How many products stay too long in a state."""
    statement = select(func.count()).where(
        data_products.c.state == state,
        data_products.c.awaiting_since < func.now() - literal(after, Interval()),
    )
    return (await connection.execute(statement)).scalar_one()


def _is_overdue(state: State, after: timedelta) -> tuple[ColumnElement[bool], ...]:
    since = data_products.c.awaiting_since
    doublings = func.least(data_products.c.redrive_count, 6)
    seconds = func.power(2.0, doublings, type_=Float()) * after.total_seconds()
    patience = func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval())
    return (
        data_products.c.state == state,
        since < func.now() - literal(after, Interval()),
        since < func.now() - patience,
    )
