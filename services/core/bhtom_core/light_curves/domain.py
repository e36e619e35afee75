"""Rules of points: which revision counts, and what a measurement becomes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from bhtom_contracts.events.calibrations import Measurement, PhotometryCalibrated
from bhtom_contracts.events.frames import CalibratedKind
from bhtom_contracts.events.photometry import HarvestedRow, PhotometryHarvested
from bhtom_contracts.passbands import system_of
from bhtom_runtime.errors import Invalid

FRAME: Final = "frame"
# Where a point comes from, by the kind of the calibrated data product.
SOURCES: Final[Mapping[CalibratedKind, str]] = {
    "fits_file": FRAME,
    "photometry": "photometry_file",
}
LIMIT_SIGMA: Final = 3.0
MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Current:
    """Which revision of a point counts now, and how many it has."""

    revision: int
    order: int
    count: int

    def after(self, order: int) -> "Current":
        """The same with one more revision, which counts if its request is newer."""
        number = self.count + 1
        if order > self.order:
            return Current(number, order, number)
        return Current(self.revision, self.order, number)

    def seen_again(self, order: int) -> "Current":
        """The same content came with this order: only a newer one can change it."""
        return Current(self.revision, max(self.order, order), self.count)


def first_revision(order: int) -> Current:
    """A point that has just been made."""
    return Current(1, order, 1)


def frame_revision(
    event: PhotometryCalibrated, measurement: Measurement
) -> dict[str, Any]:
    """The columns of a revision that one measurement of a frame makes."""
    return {
        "data_product_id": event.data_product_id,
        "calibration_request_id": event.calibration_request_id,
        "calibration_id": event.calibration_id,
        "request_order": event.request_order,
        "camera_id": event.camera_id,
        "camera_version": event.camera_version,
        "plane": event.plane,
        "method": event.method,
        "software_version": event.software_version,
        "settings_version": event.settings_version,
        "facility": event.facility,
        "observers": list(event.observers),
        **_frame_value(event, measurement),
        "signal_to_noise": measurement.signal_to_noise,
        "flags": measurement.flags,
        "error_budget": measurement.error_budget.model_dump(exclude_none=True),
        "flux": measurement.flux,
        "flux_error": measurement.flux_error,
        "other_fluxes": _other_fluxes(measurement),
        "mid_exposure_mjd": event.time.mid_exposure_mjd,
        "bjd_tdb": event.time.bjd_tdb,
        "exposure_time": event.time.exposure_time,
        "time_as_reported": event.time.time_as_reported,
        "time_scale_as_reported": event.time.time_scale_as_reported,
        "ra": measurement.ra,
        "dec": measurement.dec,
        "x": measurement.x,
        "y": measurement.y,
        "aperture_radius": measurement.aperture_radius,
        "quality": event.quality.model_dump(exclude_none=True),
        "zero_point": event.zero_point.model_dump(exclude_none=True),
    }


def _other_fluxes(measurement: Measurement) -> dict[str, Any]:
    """The target's light by other estimators, and on a galaxy all of it."""
    of_a_galaxy = measurement.model_dump(
        include={
            "fixed_aperture",
            "fixed_aperture_flux",
            "fixed_aperture_flux_error",
            "fixed_aperture_magnitude",
            "fixed_aperture_magnitude_error",
        },
        exclude_none=True,
    )
    return measurement.other_fluxes.model_dump(exclude_none=True) | of_a_galaxy


def _frame_value(
    event: PhotometryCalibrated, measurement: Measurement
) -> dict[str, Any]:
    """The magnitude, or where there is none the limit, of a frame."""
    limit, sigma = measurement.limit_3_sigma, LIMIT_SIGMA
    if limit is None and measurement.limit_5_sigma is not None:
        limit, sigma = measurement.limit_5_sigma, 5.0
    is_limit = measurement.is_limit
    return {
        "quantity": "magnitude",
        "value": limit if is_limit else measurement.magnitude,
        "error": None if is_limit else measurement.magnitude_error,
        "unit": "mag",
        "system": system_of(event.zero_point.passband),
        "passband": event.zero_point.passband,
        "passband_as_reported": event.zero_point.filter_card or "",
        "is_limit": is_limit,
        "limit_3_sigma": measurement.limit_3_sigma,
        "limit_5_sigma": measurement.limit_5_sigma,
        "limit_sigma": sigma if is_limit and limit is not None else None,
        "limit_definition": measurement.limit_definition,
    }


def harvested_revision(event: PhotometryHarvested, row: HarvestedRow) -> dict[str, Any]:
    """The columns of a revision that one row of an archive makes."""
    photometry = row.photometry
    limits = {
        "limit_3_sigma": photometry.value if photometry.limit_sigma == 3.0 else None,
        "limit_5_sigma": photometry.value if photometry.limit_sigma == 5.0 else None,
    }
    return {
        "request_order": harvest_order(event.harvested_at),
        "method": "archive",
        "batch_id": event.batch_id,
        "source_url": event.source_url,
        "citation": event.citation,
        "facility": event.source,
        "content_hash": content_hash(row),
        **photometry.model_dump(),
        **(limits if photometry.is_limit else dict.fromkeys(limits)),
        "flags": row.flags,
        "mid_exposure_mjd": row.mjd,
        "bjd_tdb": row.bjd_tdb,
        "exposure_time": row.exposure_time,
        "time_as_reported": row.time_as_reported,
        "time_scale_as_reported": row.time_scale_as_reported,
    }


def harvest_order(harvested_at: datetime) -> int:
    """Microseconds: a harvest is newer than those that began before it."""
    return round(harvested_at.timestamp() * 1_000_000)


def content_hash(row: HarvestedRow) -> str:
    """What an archive says of a row; only a change of it makes a revision."""
    content = row.model_dump(exclude={"record", "component"})
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def checked_reason(reason: str, *, required: bool) -> str:
    """Why a point is hidden, in a sentence of its reader."""
    tidy = " ".join(reason.replace("\0", " ").split())
    if required and not tidy:
        raise Invalid("reason: say why the point is hidden.", code="reason_missing")
    if len(tidy) > MAX_REASON:
        raise Invalid(f"reason: use at most {MAX_REASON} characters.")
    return tidy
