"""Asks cpcs for a calibration, and asks again when no answer came."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, update

from bhtom_contracts.events.cameras import CameraPin
from bhtom_contracts.events.frames import CalibrationParameters, TargetPin
from bhtom_runtime.tracing import current_trace_id, current_traceparent
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products import request_store, store
from bhtom_upload.data_products.domain import REQUESTED
from bhtom_upload.data_products.progress import move
from bhtom_upload.data_products.request_store import Request
from bhtom_upload.data_products.store import Product
from bhtom_upload.data_products.tables import data_products


@dataclass(frozen=True, slots=True)
class Pins:
    """The target and the camera as they are when the request is made."""

    target: TargetPin
    camera: CameraPin


async def request_calibration(
    unit: UnitOfWork,
    product: Product,
    pins: Pins,
    parameters: CalibrationParameters,
    observers: Sequence[str],
    *,
    background: bool = False,
    repeats_request_id: int | None = None,
) -> Product:
    """Make the next request of a locked product; the newest one decides."""
    order = await request_store.next_order(unit, product.data_product_id)
    request = await request_store.insert_request(
        unit,
        product.data_product_id,
        {
            **_asked(pins, parameters, observers),
            "request_order": order,
            "purpose": "dry_run" if product.row.dry_run else "record",
            "background": background,
            "repeats_request_id": repeats_request_id,
        },
    )
    message = (
        "The calibration was asked for."
        if order == 1
        else f"The calibration was asked for again, with {_told(parameters)}."
    )
    moved = await move(
        unit,
        product,
        REQUESTED,
        stage="requested",
        message=message,
        request_order=order,
        requested_filter=parameters.requested_filter,
        observers=list(observers),
        trace_id=current_trace_id(),
    )
    unit.emit(request_store.event_of(moved, request))
    return moved


async def request_preview(
    unit: UnitOfWork,
    product: Product,
    pins: Pins,
    parameters: CalibrationParameters,
    observers: Sequence[str],
) -> Request:
    """Ask what a calibration of a locked product would come to; nothing moves."""
    request = await request_store.insert_request(
        unit,
        product.data_product_id,
        {
            **_asked(pins, parameters, observers),
            "request_order": await request_store.next_order(
                unit, product.data_product_id
            ),
            "purpose": "preview",
            "background": True,
        },
    )
    unit.emit(request_store.event_of(product, request))
    return request


def _asked(
    pins: Pins, parameters: CalibrationParameters, observers: Sequence[str]
) -> dict[str, Any]:
    return {
        "parameters": parameters.model_dump(mode="json"),
        "observers": list(observers),
        "target": pins.target.model_dump(mode="json"),
        "camera": pins.camera.model_dump(mode="json"),
        "traceparent": current_traceparent(),
    }


async def ask_again(unit: UnitOfWork, product: Product, message: str) -> None:
    """Send the newest request once more, with its own id and in its own trace."""
    request = await request_store.newest_request(unit, product.data_product_id)
    await unit.execute(
        update(data_products)
        .where(data_products.c.data_product_id == product.data_product_id)
        .values(
            awaiting_since=func.now(),
            redrive_count=data_products.c.redrive_count + 1,
        )
    )
    await store.add_stage(unit, product, "asked_again", message)
    unit.emit(request_store.event_of(product, request), traceparent=request.traceparent)


def _told(parameters: CalibrationParameters) -> str:
    told = f"filter {parameters.requested_filter}"
    if parameters.match_radius is not None:
        told += f" and a matching radius of {parameters.match_radius:g} arcsec"
    return told
