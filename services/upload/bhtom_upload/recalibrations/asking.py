"""Asks cpcs for a product of a re-calibration: to preview, or to record it."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, select

from bhtom_contracts.events.cameras import CameraPin
from bhtom_contracts.events.frames import CalibrationParameters, TargetPin
from bhtom_contracts.events.targets import TargetPosition
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products import plane_store, request_store
from bhtom_upload.data_products import store as products
from bhtom_upload.data_products.domain import AnswerKind
from bhtom_upload.data_products.domain import State as ProductState
from bhtom_upload.data_products.requests import (
    Pins,
    request_calibration,
    request_preview,
)
from bhtom_upload.data_products.store import Product
from bhtom_upload.recalibrations import store
from bhtom_upload.recalibrations.domain import ItemState
from bhtom_upload.recalibrations.store import Campaign, Item
from bhtom_upload.replicas.tables import camera_replicas, target_replicas

_NO_PINS: Final = (
    "Its target or camera was deleted, or you may not see it any more: nothing was "
    "changed."
)
OVERTAKEN: Final = (
    "Somebody asked for this frame again meanwhile; that request counts, not this one."
)
_NOT_MEASURED: Final = "The preview measured nothing, so nothing was changed."


_BUSY: Final = (
    "It was being calibrated at that moment: nothing was changed. Calibrate it again "
    "when it is done."
)


async def start_preview(unit: UnitOfWork, campaign: Campaign, item: Item) -> None:
    """Ask what a calibration would come to now; nothing moves."""
    mine = campaign.recalibration_id
    product, why_not = await _takeable(unit, item)
    pins = None if product is None else await _pins(unit, campaign, product)
    if product is None or pins is None:
        told = why_not or _NO_PINS
        await store.move_item(unit, mine, item, ItemState.SKIPPED, told)
        return
    newest = await request_store.newest_request(unit, item.data_product_id)
    request = await request_preview(
        unit,
        product,
        pins,
        changed(newest.parameters, campaign),
        newest.observers,
    )
    await store.move_item(
        unit,
        mine,
        item,
        ItemState.PREVIEWING,
        base_order=product.request_order,
        old_order=await store.newest_measured(unit, item.data_product_id),
        preview_order=request.request_order,
        asked_at=func.now(),
    )


async def _takeable(unit: UnitOfWork, item: Item) -> tuple[Product | None, str]:
    """A product that nothing else is happening to, else the reason."""
    product = await products.lock_product(unit, item.data_product_id)
    if product is None or product.state is ProductState.DELETED:
        return None, "The upload was deleted; there is nothing to change."
    if item.base_order is not None and product.request_order != item.base_order:
        return None, OVERTAKEN
    if product.state not in (ProductState.DONE, ProductState.FAILED):
        return None, _BUSY
    return product, ""


async def _pins(unit: UnitOfWork, campaign: Campaign, product: Product) -> Pins | None:
    """The target and the camera as they are now, for those who may see them."""
    target = (
        await unit.execute(
            select(target_replicas).where(
                target_replicas.c.target_id == product.row.target_id,
                target_replicas.c.deleted_at.is_(None),
            )
        )
    ).one_or_none()
    camera = (
        await unit.execute(
            select(camera_replicas.c.camera).where(
                camera_replicas.c.camera_id == product.row.camera_id
            )
        )
    ).one_or_none()
    if target is None or camera is None or not _may_see(target, campaign):
        return None
    position = TargetPosition.model_validate(target.position)
    return Pins(
        TargetPin(target_id=target.target_id, name=target.name, position=position),
        CameraPin.model_validate(camera.camera),
    )


def _may_see(target: Any, campaign: Campaign) -> bool:
    if campaign.by_admin or target.owner_id == campaign.user_id:
        return True
    until = target.embargo_until
    embargoed = until is not None and until > datetime.now(UTC)
    return target.visibility == "public" and not embargoed


def changed(before: CalibrationParameters, campaign: Campaign) -> CalibrationParameters:
    """The parameters of a product's newest request, with the campaign's changes."""
    changes = campaign.changes
    wanted: dict[str, Any] = {"newest_catalogue": changes.newest_catalogue}
    if changes.filter is not None:
        wanted["requested_filter"] = changes.filter
    if changes.match_radius is not None:
        wanted["match_radius"] = changes.match_radius or None
    return CalibrationParameters(**(before.model_dump() | wanted))


async def start_recording(unit: UnitOfWork, campaign: Campaign, item: Item) -> None:
    """Ask for what the preview showed, or at once where none was wished."""
    mine, number = campaign.recalibration_id, item.data_product_id
    product, why_not = await _takeable(unit, item)
    asked = why_not if product is None else await _asked(unit, campaign, product, item)
    if product is None or isinstance(asked, str):
        await store.move_item(unit, mine, item, ItemState.SKIPPED, str(asked))
        return
    pins, parameters, repeats = asked
    newest = await request_store.newest_request(unit, number)
    old_order = await store.newest_measured(unit, number)
    moved = await request_calibration(
        unit,
        product,
        pins,
        parameters,
        newest.observers,
        background=True,
        repeats_request_id=repeats,
    )
    await store.move_item(
        unit,
        mine,
        item,
        ItemState.RECORDING,
        base_order=product.request_order,
        old_order=old_order,
        record_order=moved.request_order,
        asked_at=func.now(),
    )


async def _asked(
    unit: UnitOfWork, campaign: Campaign, product: Product, item: Item
) -> tuple[Pins, CalibrationParameters, int | None] | str:
    """The inputs of the recording: those of the preview, and its decisions.

    A sentence where there is nothing to record.
    """
    number = product.data_product_id
    if item.preview_order is None:
        pins = await _pins(unit, campaign, product)
        if pins is None:
            return _NO_PINS
        newest = await request_store.newest_request(unit, number)
        return pins, changed(newest.parameters, campaign), None
    planes = await plane_store.planes_of(unit, number, item.preview_order)
    if not any(
        plane.answer is not None and plane.answer.kind is AnswerKind.CALIBRATED
        for plane in planes.values()
    ):
        return _NOT_MEASURED
    shown = await request_store.request_at(unit, number, item.preview_order)
    pins = Pins(shown.target, shown.camera)
    return pins, shown.parameters, shown.calibration_request_id
