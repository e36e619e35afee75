"""Keeps a line of what each answer measured, and of each that failed."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert

from bhtom_contracts.events.calibrations import CalibrationFailed, PhotometryCalibrated
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.recalibrations.tables import plane_failures, plane_measurements


async def keep_measurements(unit: UnitOfWork, answer: PhotometryCalibrated) -> None:
    """Write the lines of a plane; an answer that comes again changes nothing."""
    rows = [_row(answer, number) for number in range(len(answer.measurements))]
    if rows:
        await unit.execute(
            insert(plane_measurements).values(rows).on_conflict_do_nothing()
        )


async def keep_failure(unit: UnitOfWork, answer: CalibrationFailed) -> None:
    """Write the line of a plane that failed; the same answer again changes nothing."""
    row = {
        "data_product_id": answer.data_product_id,
        "request_order": answer.request_order,
        "plane": answer.plane,
        "mid_exposure_mjd": answer.mid_exposure_mjd,
        "method": answer.method,
        "software_version": answer.software_version,
        "settings_version": answer.settings_version,
        "finished_at": answer.finished_at,
    }
    await unit.execute(insert(plane_failures).values(row).on_conflict_do_nothing())


def _row(answer: PhotometryCalibrated, number: int) -> dict[str, Any]:
    measured, fitted = answer.measurements[number], answer.zero_point
    return {
        "data_product_id": answer.data_product_id,
        "request_order": answer.request_order,
        "plane": answer.plane,
        "target_id": measured.target_id,
        "purpose": answer.purpose,
        "mid_exposure_mjd": answer.time.mid_exposure_mjd,
        "passband": fitted.passband,
        "catalogue": fitted.catalogue,
        "release": fitted.release,
        "method": answer.method,
        "software_version": answer.software_version,
        "settings_version": answer.settings_version,
        "magnitude": measured.magnitude,
        "magnitude_error": measured.magnitude_error,
        "limit_5_sigma": measured.limit_5_sigma,
        "is_limit": measured.is_limit,
        "flags": measured.flags,
        "finished_at": answer.finished_at,
    }
