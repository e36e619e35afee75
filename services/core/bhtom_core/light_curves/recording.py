"""Recording what the calibration of a frame or catalogue found: each thing once."""

from datetime import UTC, datetime
from typing import Any

from bhtom_contracts.events.calibrations import Measurement, PhotometryCalibrated
from bhtom_contracts.events.photometry import (
    PhotometryRecorded,
    RecordedDisposition,
    RecordedRevision,
)
from bhtom_core.light_curves import store
from bhtom_core.light_curves.domain import SOURCES, first_revision, frame_revision
from bhtom_core.light_curves.settling import touch
from bhtom_core.rows import Record
from bhtom_core.visibility import Reader
from bhtom_runtime.tracing import current_trace_id
from bhtom_runtime.unit_of_work import UnitOfWork


async def record_calibrated(unit: UnitOfWork, event: PhotometryCalibrated) -> None:
    """Record the measurements of a plane, and answer; a repeat gets the same answer."""
    kept = await store.answer_to(
        unit.connection, event.calibration_request_id, event.plane
    )
    if kept is not None:
        unit.emit(PhotometryRecorded.model_validate(kept))
        return
    answer = PhotometryRecorded(
        data_product_id=event.data_product_id,
        calibration_request_id=event.calibration_request_id,
        request_order=event.request_order,
        plane=event.plane,
        plane_count=event.plane_count,
        results=tuple(await _results(unit, event)),
        recorded_at=datetime.now(UTC),
    )
    await store.keep_answer(
        unit.connection,
        {
            "calibration_request_id": event.calibration_request_id,
            "plane": event.plane,
            "data_product_id": event.data_product_id,
            "answer": answer.model_dump(mode="json"),
        },
    )
    unit.emit(answer)


async def _results(
    unit: UnitOfWork, event: PhotometryCalibrated
) -> list[RecordedRevision]:
    if event.purpose != "record":
        return [_none(one.target_id, event.purpose) for one in event.measurements]
    wanted = [one.target_id for one in event.measurements]
    live = await store.live_targets(unit.connection, wanted)
    # Taken first: who waits here then sees the points of whom he waited for.
    await store.lock_copies(unit.connection, event.fingerprint)
    # Always in the order of the targets, so that two frames never wait in a circle.
    return [
        await _record(unit, event, one)
        if one.target_id in live
        else _none(one.target_id, "target_deleted")
        for one in sorted(event.measurements, key=lambda each: each.target_id)
    ]


def _none(target_id: int, disposition: RecordedDisposition) -> RecordedRevision:
    return RecordedRevision(target_id=target_id, disposition=disposition)


async def _record(
    unit: UnitOfWork, event: PhotometryCalibrated, measurement: Measurement
) -> RecordedRevision:
    point = await store.locked_point(
        unit.connection,
        SOURCES[event.kind],
        str(event.data_product_id),
        str(event.plane),
        measurement.target_id,
    )
    if point is None:
        return await _new_point(unit, event, measurement)
    return await _new_revision(unit, event, measurement, point)


async def _new_point(
    unit: UnitOfWork, event: PhotometryCalibrated, measurement: Measurement
) -> RecordedRevision:
    copies = await store.copies_of(
        unit.connection, event.fingerprint, str(event.plane), measurement.target_id
    )
    current = first_revision(event.request_order)
    point_id = await store.insert_point(
        unit.connection,
        {
            "target_id": measurement.target_id,
            "source": SOURCES[event.kind],
            "record": str(event.data_product_id),
            "component": str(event.plane),
            "data_product_id": event.data_product_id,
            "plane": event.plane,
            "fingerprint": event.fingerprint,
            "copy_of": copies[0].point_id if copies else None,
            **_sharing(event),
            **store.current_columns(current),
            "mjd": event.time.mid_exposure_mjd,
        },
    )
    await _insert(unit, event, measurement, point_id, current.revision)
    touch(unit, measurement.target_id, point_id)
    # He is told only of what he may see: that others exist is their owners' secret.
    is_copy = bool(copies) and await store.is_copy(
        unit.connection, point_id, Reader(event.owner_id)
    )
    return RecordedRevision(
        target_id=measurement.target_id,
        disposition="copy" if is_copy else "recorded",
        point_id=point_id,
        revision=current.revision,
    )


async def _new_revision(
    unit: UnitOfWork,
    event: PhotometryCalibrated,
    measurement: Measurement,
    point: Record,
) -> RecordedRevision:
    made = await store.revision_of_request(
        unit.connection, point.point_id, event.calibration_request_id
    )
    if made is not None:
        return RecordedRevision(
            target_id=point.target_id,
            disposition="repeated",
            point_id=point.point_id,
            revision=made,
        )
    before = store.current_of(point)
    current = before.after(event.request_order)
    counts = current.revision != before.revision
    await _insert(unit, event, measurement, point.point_id, current.count)
    changes: dict[str, Any] = dict(store.current_columns(current))
    if counts:
        changes |= {"mjd": event.time.mid_exposure_mjd, **_sharing(event)}
        touch(unit, point.target_id, point.point_id)
    await store.update_point(unit.connection, point.point_id, changes)
    return RecordedRevision(
        target_id=point.target_id,
        disposition="recorded" if counts else "superseded",
        point_id=point.point_id,
        revision=current.count,
    )


async def _insert(
    unit: UnitOfWork,
    event: PhotometryCalibrated,
    measurement: Measurement,
    point_id: int,
    revision: int,
) -> None:
    await store.insert_revision(
        unit.connection,
        {
            "point_id": point_id,
            "revision": revision,
            "target_id": measurement.target_id,
            "trace_id": current_trace_id(),
            **frame_revision(event, measurement),
        },
    )


def _sharing(event: PhotometryCalibrated) -> dict[str, Any]:
    return {
        "owner_id": event.owner_id,
        "product_visibility": event.visibility,
        "product_embargo_until": event.embargo_until,
    }
