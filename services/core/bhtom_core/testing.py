"""Tests' calibrations: what cpcs would tell core of frames."""

import itertools
from typing import Any

from bhtom_contracts.events.calibrations import (
    ErrorBudget,
    FrameQuality,
    FrameTime,
    Measurement,
    OtherFluxes,
    PhotometryCalibrated,
    ZeroPoint,
)
from bhtom_contracts.outcomes import Outcome

_numbers = itertools.count(1000)


def measurement(target_id: int, magnitude: float | None = 17.0) -> Measurement:
    """A target on a frame; without a magnitude it was not seen."""
    return Measurement(
        target_id=target_id,
        ra=10.0,
        dec=20.0,
        x=100.5,
        y=200.5,
        flux=1234.5 if magnitude else -3.0,
        flux_error=10.0,
        signal_to_noise=123.45 if magnitude else -0.3,
        aperture_radius=6.0,
        magnitude=magnitude,
        magnitude_error=None if magnitude is None else 0.01,
        limit_3_sigma=20.5,
        limit_5_sigma=19.9,
        limit_definition="forced flux error",
        is_limit=magnitude is None,
        flags=1,
        error_budget=ErrorBudget(photon=0.008, zero_point=0.006),
        other_fluxes=OtherFluxes(aperture=1230.0, aperture_error=12.0),
        fixed_aperture=5.0,
        fixed_aperture_flux=2468.0,
    )


def calibrated(
    owner_id: int, *measurements: Measurement, **changes: Any
) -> PhotometryCalibrated:
    """The calibration of a frame that nobody has seen before."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "data_product_id": number,
        "calibration_id": number * 10,
        "calibration_request_id": number * 100,
        "request_order": 1,
        "purpose": "record",
        "outcome": Outcome.CALIBRATED,
        "message": "Calibrated.",
        "finished_at": "2026-01-01T00:00:00Z",
        "owner_id": owner_id,
        "observers": ("Ada",),
        "camera_id": 1,
        "camera_version": 2,
        "facility": "ROAD_QHY600M",
        "fingerprint": f"{number:064x}",
        "time": FrameTime(
            mid_exposure_mjd=60000.0 + number,
            bjd_tdb=60000.5 + number,
            exposure_time=30.0,
            time_as_reported="2026-01-01T00:00:00",
        ),
        "quality": FrameQuality(fwhm=3.2),
        "zero_point": ZeroPoint(
            passband="GaiaSP/r",
            value=25.0,
            error=0.005,
            scatter=0.02,
            matched_stars=60,
            used_stars=55,
            outlier_fraction=0.08,
            matching_radius=1.0,
            filter_card="V",
            filter_disagrees=True,
            catalogue="GaiaSP",
            release="dr3",
        ),
        "method": "aperture",
        "software_version": "1.0",
        "settings_version": "s1",
        "measurements": measurements,
        **changes,
    }
    return PhotometryCalibrated(**fields)
