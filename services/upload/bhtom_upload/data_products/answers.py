"""What the answers of cpcs and core do to a data product."""

from collections.abc import Mapping
from typing import Final

import structlog

from bhtom_contracts.events.calibrations import (
    CalibrationAnswer,
    CalibrationFailed,
    CalibrationWaiting,
    PhotometryCalibrated,
)
from bhtom_contracts.events.photometry import PhotometryRecorded
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products import plane_store, request_store, store
from bhtom_upload.data_products.domain import (
    Answer,
    AnswerKind,
    Plane,
    PlaneState,
    Recorded,
    Standing,
    State,
    standing_of,
)
from bhtom_upload.data_products.progress import move
from bhtom_upload.data_products.store import Product
from bhtom_upload.metrics import ANSWERS
from bhtom_upload.recalibrations.measurements import keep_failure, keep_measurements
from bhtom_upload.recalibrations.noticing import notice

_logger = structlog.get_logger(__name__)

_KINDS: Final[Mapping[type[CalibrationAnswer], AnswerKind]] = {
    PhotometryCalibrated: AnswerKind.CALIBRATED,
    CalibrationFailed: AnswerKind.FAILED,
    CalibrationWaiting: AnswerKind.WAITING,
}


async def on_answer(unit: UnitOfWork, event: Received) -> None:
    """Take what cpcs says about a plane."""
    payload = event.payload
    assert isinstance(payload, CalibrationAnswer)  # noqa: S101 - narrows the type
    answer = Answer(
        kind=_KINDS[type(payload)],
        outcome=payload.outcome,
        message=payload.message,
        calibration_id=payload.calibration_id,
        has_plot=payload.has_plot,
        finished_at=payload.finished_at,
    )
    plane = Plane(payload.plane, payload.plane_count, answer=answer)
    product, order = payload.data_product_id, payload.request_order
    if payload.purpose == "preview":
        is_known = await _take_preview(unit, product, order, plane)
    else:
        is_known = await _take(unit, product, order, plane, answer.kind.value)
    if is_known and isinstance(payload, PhotometryCalibrated):
        await keep_measurements(unit, payload)
    elif is_known and isinstance(payload, CalibrationFailed):
        await keep_failure(unit, payload)
    await notice(unit, product)


async def on_recorded(unit: UnitOfWork, event: Received) -> None:
    """Take what core made of a plane."""
    payload = event.payload
    assert isinstance(payload, PhotometryRecorded)  # noqa: S101 - narrows the type
    recorded = Recorded(
        recorded_at=payload.recorded_at,
        dispositions=tuple(result.disposition for result in payload.results),
        point_ids=tuple(
            result.point_id for result in payload.results if result.point_id is not None
        ),
    )
    product, order = payload.data_product_id, payload.request_order
    if await request_store.is_preview(unit, product, order):
        return
    plane = Plane(payload.plane, payload.plane_count, recorded=recorded)
    await _take(unit, product, order, plane, "recorded")
    await notice(unit, product)


async def _take_preview(
    unit: UnitOfWork, data_product_id: int, order: int, news: Plane
) -> bool:
    """Keep what a preview came to; the product's own state does not follow it."""
    if await store.lock_product(unit, data_product_id) is None:
        ANSWERS.labels("unknown_product").inc()
        return False
    before = (await plane_store.planes_of(unit, data_product_id, order)).get(news.plane)
    after = news if before is None else before.joined(news)
    await plane_store.keep_plane(unit, data_product_id, order, after)
    ANSWERS.labels("preview").inc()
    return True


async def _take(
    unit: UnitOfWork, data_product_id: int, order: int, news: Plane, stage: str
) -> bool:
    """Let a product follow news of a plane; False when there is no such product."""
    product = await store.lock_product(unit, data_product_id)
    if product is None:
        # Only a restored database forgets a product; the file's owner has no use
        # of the answer, and the operator has the log line and the figure.
        _logger.error("answer to an unknown product", data_product_id=data_product_id)
        ANSWERS.labels("unknown_product").inc()
        return False
    planes = await plane_store.planes_of(unit, data_product_id, order)
    before = planes.get(news.plane)
    after = news if before is None else before.joined(news)
    if after == before:
        ANSWERS.labels("repeated").inc()
        return True
    await plane_store.keep_plane(unit, data_product_id, order, after)
    planes[news.plane] = after
    ANSWERS.labels(stage).inc()
    if order < product.request_order:
        message = f"An answer to request {order} came; a newer request decides."
        await store.add_stage(unit, product, "superseded", message)
    elif product.state is not State.DELETED:
        await _follow(unit, product, planes, stage, after)
    return True


async def _follow(
    unit: UnitOfWork,
    product: Product,
    planes: Mapping[int, Plane],
    stage: str,
    plane: Plane,
) -> None:
    """Let the product's state follow its planes."""
    standing = standing_of(list(planes.values()))
    message = _told(plane, standing)
    if standing == product.standing:
        await store.add_stage(unit, product, stage, message)
    else:
        await move(unit, product, standing, stage=stage, message=message)


def _told(plane: Plane, standing: Standing) -> str:
    """The sentence of a stage: the plane's own until all planes have spoken."""
    if plane.state is PlaneState.RECORDED_EARLY:
        return "The light curve was updated."
    if plane.state is PlaneState.RECORDED or plane.answer is None:
        return standing.message
    if plane.plane_count == 1:
        return plane.answer.message
    if standing.state is State.FAILED:
        return standing.message
    return f"Image {plane.plane + 1}: {plane.answer.message}"


SUBSCRIPTIONS: Final = (
    Subscription(PhotometryCalibrated, on_answer),
    Subscription(CalibrationFailed, on_answer),
    Subscription(CalibrationWaiting, on_answer),
    Subscription(PhotometryRecorded, on_recorded),
)
