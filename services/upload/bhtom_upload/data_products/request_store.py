"""Queries on what was asked of cpcs, and the event that asks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select

from bhtom_contracts.events.cameras import CameraPin
from bhtom_contracts.events.frames import (
    CalibrationParameters,
    FitsUploaded,
    Purpose,
    TargetPin,
)
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products.store import Product
from bhtom_upload.data_products.tables import calibration_requests


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
