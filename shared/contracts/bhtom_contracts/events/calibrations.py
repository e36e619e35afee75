"""What cpcs answers: the calibration, why there is none, or that it waits."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bhtom_contracts.base import Payload, Visibility
from bhtom_contracts.events.frames import CalibratedKind, Purpose, Sha256
from bhtom_contracts.outcomes import Outcome
from bhtom_contracts.units import (
    Adu,
    Arcseconds,
    ArcsecondsPerPixel,
    Degrees,
    Dimensionless,
    Magnitudes,
    Mjd,
    Pixels,
    Seconds,
)


class CalibrationAnswer(Payload):
    """What every answer of cpcs to a request holds."""

    data_product_id: int
    calibration_id: int
    calibration_request_id: int
    request_order: int = Field(ge=1)
    purpose: Purpose
    plane: int = Field(default=0, ge=0)
    plane_count: int = Field(default=1, ge=1)
    outcome: Outcome
    message: str
    has_plot: bool = False
    finished_at: AwareDatetime
    reduction_time: Seconds = 0.0


class FrameTime(BaseModel):
    """Mid-exposure, as reported and as reduced.

    The exposure time is the sum of the exposures that the frame was made of.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    mid_exposure_mjd: Mjd
    bjd_tdb: Mjd
    hjd_utc: Mjd | None = None
    exposure_time: Seconds
    n_exposures: int = Field(default=1, ge=1)
    time_as_reported: str
    time_scale_as_reported: str = "UTC"


class FrameQuality(BaseModel):
    """Figures that tell how good the frame is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    fwhm: Pixels | None = None
    seeing: Arcseconds | None = None
    ellipticity: Dimensionless | None = None
    background: Adu | None = None
    background_rms: Adu | None = None
    air_mass: Dimensionless | None = None
    pixel_scale: ArcsecondsPerPixel | None = None
    source_count: int | None = None
    wcs_offset: Arcseconds | None = None
    wcs_rms: Arcseconds | None = None


class ZeroPoint(BaseModel):
    """magnitude = zero point - 2.5 log10(flux), in the passband named."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    passband: str
    value: Magnitudes
    error: Magnitudes
    scatter: Magnitudes
    matched_stars: int
    used_stars: int
    outlier_fraction: Dimensionless
    matching_radius: Arcseconds
    filter_card: str | None = None
    filter_disagrees: bool = False
    reference_passband: str | None = None
    source: Literal["native", "transformation", "borrowed"] = "native"
    source_note: str = ""
    colour: str | None = None
    colour_slope: Dimensionless | None = None
    colour_slope_error: Dimensionless | None = None
    pivot_colour: Magnitudes | None = None
    catalogue: str
    release: str
    tiles: tuple[str, ...] = ()


class ErrorBudget(BaseModel):
    """The terms of a point's error; they add in quadrature.

    `instrumental` is the error that an instrumental catalogue itself tells.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    instrumental: Magnitudes | None = None
    photon: Magnitudes | None = None
    sky: Magnitudes | None = None
    readout: Magnitudes | None = None
    zero_point: Magnitudes | None = None
    aperture_correction: Magnitudes | None = None
    psf_normalisation: Magnitudes | None = None
    blend: Magnitudes | None = None
    misfit: Magnitudes | None = None
    position: Magnitudes | None = None
    scintillation: Magnitudes | None = None
    cosmic_ray: Magnitudes | None = None
    colour: Magnitudes | None = None
    floor: Magnitudes | None = None


class OtherFluxes(BaseModel):
    """The same light by estimators that the point's magnitude does not use.

    All are total light on one scale: `optimal` weighed for faint stars, `aperture` the
    sum in a circle of `aperture_radius`, brought to the whole star's light by
    `growth_correction`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    optimal: Adu | None = None
    optimal_error: Adu | None = None
    aperture: Adu | None = None
    aperture_error: Adu | None = None
    aperture_radius: Pixels | None = None
    growth_correction: Magnitudes | None = None


class Measurement(BaseModel):
    """The target on one plane: always its forced flux, of whatever sign.

    An instrumental catalogue has no aperture, and where the target is not in it no
    flux: these are null. Its flux is 10^(-0.4 m) of the catalogue's magnitude m.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    target_id: int
    ra: Degrees
    dec: Degrees
    x: Pixels | None = None
    y: Pixels | None = None
    flux: Adu | None = None
    flux_error: Adu | None = None
    signal_to_noise: Dimensionless | None = None
    aperture_radius: Pixels | None = None
    magnitude: Magnitudes | None = None
    magnitude_error: Magnitudes | None = None
    limit_3_sigma: Magnitudes | None = None
    limit_5_sigma: Magnitudes | None = None
    limit_definition: str = ""
    is_limit: bool
    flags: int = 0
    error_budget: ErrorBudget = ErrorBudget()
    other_fluxes: OtherFluxes = OtherFluxes()
    # 1 sigma an axis of where the target was known to be; whether its light decided.
    position_error: Arcseconds | None = None
    position_free: bool = False
    scene_version: int = 0
    reduced_chi_square: Dimensionless | None = None
    # On a galaxy: all the light in an aperture of fixed radius on the sky.
    fixed_aperture: Arcseconds | None = None
    fixed_aperture_flux: Adu | None = None
    fixed_aperture_flux_error: Adu | None = None
    fixed_aperture_magnitude: Magnitudes | None = None
    fixed_aperture_magnitude_error: Magnitudes | None = None


class PhotometryCalibrated(CalibrationAnswer):
    """A plane was calibrated: a measurement or a limit for each of its targets."""

    kind: CalibratedKind = "fits_file"
    owner_id: int
    observers: tuple[str, ...] = ()
    visibility: Visibility = "public"
    embargo_until: AwareDatetime | None = None
    camera_id: int
    camera_version: int
    facility: str
    fingerprint: Sha256
    time: FrameTime
    quality: FrameQuality
    zero_point: ZeroPoint
    method: str
    software_version: str
    settings_version: str
    decisions_version: str = ""
    measurements: tuple[Measurement, ...]


class CalibrationFailed(CalibrationAnswer):
    """A plane could not be calibrated; `message` says why and what to do.

    The middle of the exposure is told where it was found out before.
    """

    mid_exposure_mjd: Mjd | None = None
    method: str = ""
    software_version: str = ""
    settings_version: str = ""


class CalibrationWaiting(CalibrationAnswer):
    """A plane waits for something that will come; it goes on by itself."""
