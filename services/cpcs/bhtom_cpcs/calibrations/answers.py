"""From a plane's reduction to the event that answers the request.

Works on the reduction's plain JSON form, so that neither the API nor a worker's own
process has to import the science and its libraries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bhtom_contracts.events.calibrations import (
    CalibrationAnswer,
    CalibrationFailed,
    CalibrationWaiting,
    ErrorBudget,
    FrameQuality,
    FrameTime,
    Measurement,
    OtherFluxes,
    PhotometryCalibrated,
    ZeroPoint,
)
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.flags import PointFlag
from bhtom_contracts.outcomes import OUTCOMES, Outcome
from bhtom_cpcs.science.flag_words import FlagWord

Plain = Mapping[str, Any]

# The science tells more cases apart than the events do.
_NARROWER: Final = {
    "frame_missing": Outcome.UNREADABLE,
    "unreadable_catalogue": Outcome.UNREADABLE,
    "empty_image": Outcome.NO_IMAGE,
    "image_too_large": Outcome.UNREADABLE,
    "is_dark": Outcome.NOT_A_SKY_FRAME,
    "is_bias": Outcome.NOT_A_SKY_FRAME,
    "is_flat": Outcome.NOT_A_SKY_FRAME,
    "is_difference": Outcome.NOT_A_SKY_FRAME,
    "is_cube": Outcome.NO_IMAGE,
    "saturated_frame": Outcome.BAD_IMAGE,
    "trailed": Outcome.BAD_IMAGE,
    "out_of_focus": Outcome.BAD_IMAGE,
    "too_few_usable_stars": Outcome.TOO_FEW_STARS,
    "unknown_filter": Outcome.NO_REFERENCE_IN_BAND,
}

_SEVERAL_WORDS: Final = {
    PointFlag.TIME_UNCERTAIN: (
        FlagWord.DATE_OBS_TAKEN_AS_START,
        FlagWord.EXPOSURE_TIME_UNKNOWN,
        FlagWord.TIME_CARDS_DISAGREE,
        FlagWord.TIME_SCALE_UNKNOWN,
    ),
    PointFlag.DOUBTFUL_FRAME: (
        FlagWord.DRAWN_OUT,
        FlagWord.NOT_CALIBRATED,
        FlagWord.EIGHT_BIT,
        FlagWord.STRETCHED,
    ),
}
# A word has the bit of its own name, unless several share one.
FLAG_WORDS: Final[Mapping[str, PointFlag]] = {
    str(flag.name).lower(): flag for flag in PointFlag
} | {word.value: flag for flag, words in _SEVERAL_WORDS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an answer tells beside the reduction itself."""

    calibration_id: int
    finished_at: datetime
    reduction_time_s: float
    has_plot: bool
    fingerprint: str | None
    settings_version: str
    decisions_version: str


def contract_outcome(code: str) -> Outcome:
    """The outcome that events use for one of the science."""
    return _NARROWER.get(code) or Outcome(code)


def is_waiting(code: str) -> bool:
    """Whether the outcome of a plane is a wait that ends by itself."""
    return OUTCOMES[contract_outcome(code)].kind == "waiting"


def flag_word(words: tuple[str, ...]) -> int:
    """The bits of a point's quality word."""
    word = PointFlag.NONE
    for name in words:
        word |= FLAG_WORDS[name]
    return int(word)


def answer_of(
    request: FitsUploaded, plane: Plain, circumstances: Circumstances
) -> CalibrationAnswer:
    """The event that tells what became of a plane."""
    outcome = contract_outcome(plane["outcome"])
    common: dict[str, Any] = {
        "data_product_id": request.data_product_id,
        "calibration_id": circumstances.calibration_id,
        "calibration_request_id": request.calibration_request_id,
        "request_order": request.request_order,
        "purpose": request.purpose,
        "plane": plane["plane"],
        "plane_count": plane["plane_count"],
        "outcome": outcome,
        "message": plane["message"],
        "has_plot": circumstances.has_plot,
        "finished_at": circumstances.finished_at,
        "reduction_time": circumstances.reduction_time_s,
    }
    kind = OUTCOMES[outcome].kind
    if kind == "waiting":
        return CalibrationWaiting(**common)
    if kind == "failed":
        # A plane that no reduction came to, as after a crash, has neither.
        timing, provenance = plane.get("timing") or {}, plane.get("provenance") or {}
        return CalibrationFailed(
            **common,
            mid_exposure_mjd=timing.get("mid_exposure_mjd_utc"),
            method=provenance.get("method", ""),
            software_version=provenance.get("software_version", ""),
            settings_version=circumstances.settings_version,
        )
    if circumstances.fingerprint is None:
        raise ValueError("A measured plane must have its pixels' fingerprint.")
    return PhotometryCalibrated(
        **common,
        kind=request.kind,
        owner_id=request.owner_id,
        observers=request.observers,
        visibility=request.visibility,
        embargo_until=request.embargo_until,
        camera_id=request.camera.camera_id,
        camera_version=request.camera.camera_version,
        facility=request.camera.oname,
        fingerprint=circumstances.fingerprint,
        time=_time(plane["timing"]),
        quality=_quality(plane),
        zero_point=_zero_point(plane),
        method=plane["provenance"]["method"],
        software_version=plane["provenance"]["software_version"],
        settings_version=circumstances.settings_version,
        decisions_version=circumstances.decisions_version,
        measurements=_measurements(plane),
    )


def _time(timing: Plain) -> FrameTime:
    return FrameTime(
        mid_exposure_mjd=timing["mid_exposure_mjd_utc"],
        bjd_tdb=timing["bjd_tdb"],
        hjd_utc=timing.get("hjd_utc"),
        n_exposures=timing.get("n_exposures", 1),
        exposure_time=timing["exposure_time_s"],
        time_as_reported=timing["time_as_reported"],
        time_scale_as_reported=timing["time_scale"],
    )


def _quality(plane: Plain) -> FrameQuality:
    quality, wcs = plane["quality"] or {}, plane["wcs"] or {}
    listed = plane.get("catalogue_file") or {}
    return FrameQuality(
        fwhm=quality.get("fwhm_px"),
        seeing=quality.get("fwhm_arcsec"),
        ellipticity=quality.get("ellipticity"),
        background=quality.get("background_adu"),
        background_rms=quality.get("background_rms_adu"),
        air_mass=plane["timing"].get("air_mass"),
        pixel_scale=wcs.get("pixel_scale_arcsec"),
        source_count=quality.get("n_sources") or listed.get("n_sources"),
        wcs_offset=wcs.get("offset_arcsec"),
        wcs_rms=wcs.get("rms_arcsec"),
    )


def _zero_point(plane: Plain) -> ZeroPoint:
    fitted, source = plane["zero_point"], plane["provenance"]
    reported, colour = plane["filter"] or {}, fitted.get("colour_term") or {}
    pair = (colour.get("blue"), colour.get("red"))
    return ZeroPoint(
        passband=fitted["passband"],
        value=fitted["value"],
        error=fitted["error"],
        scatter=fitted["scatter"],
        matched_stars=fitted["n_matched"],
        used_stars=fitted["n_stars"],
        outlier_fraction=fitted["outlier_fraction"],
        matching_radius=fitted["matching_radius_arcsec"],
        filter_card=reported.get("card"),
        filter_disagrees=bool(reported.get("disagrees")),
        reference_passband=fitted.get("reference_passband") or fitted["passband"],
        source=fitted.get("source") or "native",
        source_note=fitted.get("source_note") or "",
        colour=" - ".join(map(str, pair)) if colour else None,
        colour_slope=colour.get("value"),
        colour_slope_error=colour.get("error"),
        pivot_colour=colour.get("pivot"),
        catalogue=source["catalogue_name"],
        release=source["catalogue_release"],
        tiles=tuple(source["tile_hashes"]),
    )


def _measurements(plane: Plain) -> tuple[Measurement, ...]:
    """The targets that this plane measured; the others' outcomes stay in the result."""
    return tuple(
        _measurement(measured, plane)
        for measured in plane["measurements"]
        if OUTCOMES[contract_outcome(measured["outcome"])].kind == "measured"
    )


def _measurement(measured: Plain, plane: Plain) -> Measurement:
    words = [
        *measured["flags"],
        *plane["timing"]["flags"],
        *plane["zero_point"]["flags"],
        *(plane.get("flags") or ()),
    ]
    budget = measured["error_budget_mag"]
    return Measurement(
        target_id=measured["target_id"],
        ra=measured["ra_deg"],
        dec=measured["dec_deg"],
        x=measured["x_px"],
        y=measured["y_px"],
        flux=measured["flux_adu"],
        flux_error=measured["flux_error_adu"],
        signal_to_noise=measured["signal_to_noise"],
        aperture_radius=measured["aperture_radius_px"],
        magnitude=measured["magnitude"],
        magnitude_error=measured["magnitude_error"],
        limit_3_sigma=measured["limit_3sigma"],
        limit_5_sigma=measured["limit_5sigma"],
        limit_definition=measured["limit_definition"] or "",
        is_limit=measured["is_limit"],
        flags=flag_word(tuple(words)),
        error_budget=ErrorBudget(
            instrumental=budget.get("instrumental"),
            photon=budget.get("photon"),
            sky=budget.get("sky"),
            readout=budget.get("read"),
            zero_point=budget.get("zero_point"),
            psf_normalisation=budget.get("psf_normalisation"),
            blend=budget.get("blend"),
            misfit=budget.get("misfit"),
            position=budget.get("position"),
            scintillation=budget.get("scintillation"),
            cosmic_ray=budget.get("cosmic_ray"),
            colour=budget.get("colour"),
            floor=budget.get("floor"),
        ),
        other_fluxes=_other_fluxes(measured.get("other_fluxes") or {}),
        position_error=measured.get("position_error_arcsec"),
        position_free=measured.get("position_free", False),
        scene_version=measured.get("scene_version", 0),
        reduced_chi_square=measured.get("reduced_chi_square"),
        fixed_aperture=measured.get("fixed_aperture_arcsec"),
        fixed_aperture_flux=measured.get("fixed_aperture_flux_adu"),
        fixed_aperture_flux_error=measured.get("fixed_aperture_flux_error_adu"),
        fixed_aperture_magnitude=measured.get("fixed_aperture_magnitude"),
        fixed_aperture_magnitude_error=measured.get("fixed_aperture_magnitude_error"),
    )


def _other_fluxes(measured: Plain) -> OtherFluxes:
    """An instrumental catalogue has none of them."""
    return OtherFluxes(
        optimal=measured.get("optimal_adu"),
        optimal_error=measured.get("optimal_error_adu"),
        aperture=measured.get("aperture_adu"),
        aperture_error=measured.get("aperture_error_adu"),
        aperture_radius=measured.get("aperture_radius_px"),
        growth_correction=measured.get("growth_correction_mag"),
    )
