"""The stage that measures the targets."""

import math
from dataclasses import replace

import numpy as np

from bhtom_cpcs.science.frames.sun_and_air import (
    air_mass,
    altitude_deg,
    unit_vector,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.frame import Timing
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.star_flux_stage import second_highest
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.forced_fit import FrameLight
from bhtom_cpcs.science.targets.measuring import Measuring
from bhtom_cpcs.science.targets.target import measure_target
from bhtom_cpcs.science.targets.target_position import TargetPlace, place_of

_BEST_FIRST = (Outcome.CALIBRATED, Outcome.LIMIT)
# Where no stars told: what a header's coordinates are good to after the match.
_UNKNOWN_ASTROMETRY_PX = 0.3
# What distortions that no fit shows leave, as a share of a pixel.
_PIXEL_GRID_ERROR_PX = 0.03


def measure_targets(state: PlaneState) -> None:
    """Measure every target of the request and take the best of their outcomes."""
    if state.shown_elsewhere is not None:
        state.outcome, state.message = state.shown_elsewhere
        return
    at = _measuring(state)
    state.measurements = tuple(
        measure_target(
            replace(at, timing=timing_at(state, place)), place, _trail_px(state, place)
        )
        for place in state.places
    )
    settle_outcome(state)


def timing_at(state: PlaneState, place: TargetPlace) -> Timing:
    """Return the frame's timing with the air mass of a target of its own.

    In a wide field the frame's, which is the first target's, is not the others'.
    """
    timing, site = need(state.timing, "read_time"), state.request.site
    if site is None or place.problem is not None:
        return timing
    direction = unit_vector(place.ra_deg, place.dec_deg)
    altitude = altitude_deg(timing.mid_exposure_mjd_utc, direction, site)
    return replace(timing, air_mass=air_mass(altitude))


def settle_outcome(state: PlaneState) -> None:
    """Let the best of the targets' outcomes stand for the plane."""
    best = best_of(state.measurements)
    if best is None:
        raise Stop(
            Outcome.TARGET_OUTSIDE_FRAME,
            distance="nowhere: none was given,",
            centre="unknown",
        )
    state.outcome, state.message = best.outcome, best.message


def _measuring(state: PlaneState) -> Measuring:
    """Gather what the earlier stages have found out."""
    request, plane = state.request, state.plane
    astrometry = need(state.astrometry, "read_wcs")
    wcs = need(state.wcs, "read_wcs")
    error_px = _UNKNOWN_ASTROMETRY_PX
    if wcs.mapping_error_arcsec is not None:
        known_px = wcs.mapping_error_arcsec / astrometry.pixel_scale_arcsec
        error_px = math.hypot(known_px, _PIXEL_GRID_ERROR_PX)
    error = error_px * astrometry.pixel_scale_arcsec
    return Measuring(
        light=FrameLight(
            plane.pixels,
            plane.mask,
            need(state.psf, "find_sources"),
            need(state.pixel_noise, "find_sources"),
        ),
        astrometry=astrometry,
        astrometric_error_arcsec=error,
        sources=need(state.sources, "find_sources"),
        strikes=state.strikes,
        detector=need(state.detector, "find_sources"),
        sky_level=need(state.sky, "find_sources").level,
        usual=need(state.usual_fit, "measure_stars"),
        zero_point=need(state.zero_point, "fit_zero_points"),
        timing=need(state.timing, "read_time"),
        reference=state.reference,
        catalogue=f"{state.catalogue.name} {state.catalogue.release}",
        decisions=request.decisions,
        aperture_m=request.camera.aperture_m,
        site_height_m=0.0 if request.site is None else request.site.height_m,
        match_radius_arcsec=request.match_radius_arcsec,
        stars_missed_mag=_stars_missed_mag(state),
        brightest_peak_adu=second_highest(need(state.sources, "find_sources").peak),
    )


def _stars_missed_mag(state: PlaneState) -> float:
    """What the PSF misses of the stars that carry the zero point, on average [mag]."""
    psf, stars = need(state.psf, "find_sources"), state.comparison
    if stars is None or not len(stars.source):
        return 0.0
    sources, zero_point = need(state.sources, "find_sources"), state.zero_point
    missed = psf.normalisation.missed_mag(
        sources.x[stars.source],
        sources.y[stars.source],
        10 ** (-0.4 * stars.magnitude),
        by_place=zero_point is None or zero_point.spatial_term is None,
    )
    weight = 1 / (stars.error**2 + psf.normalisation.scatter_mag**2)
    return float(np.sum(weight * missed) / np.sum(weight))


def _trail_px(state: PlaneState, place: TargetPlace) -> float:
    """How far a body moved during the exposure [px]; 0 for a star."""
    timing = need(state.timing, "read_time")
    if not place.target.moves or place.problem is not None:
        return 0.0
    half = 0.5 * timing.exposure_time_s / 86400
    ends = [
        place_of(place.target, timing.mid_exposure_mjd_utc + side, state.request.site)
        for side in (-half, half)
    ]
    if any(end.problem is not None for end in ends):
        return 0.0
    x, y = need(state.astrometry, "read_wcs").pixel(
        np.array([end.ra_deg for end in ends]), np.array([end.dec_deg for end in ends])
    )
    trail = math.hypot(float(x[1] - x[0]), float(y[1] - y[0]))
    return trail if math.isfinite(trail) else 0.0


def best_of(
    measurements: tuple[TargetMeasurement, ...],
) -> TargetMeasurement | None:
    """Return the measurement that stands for the plane."""
    for outcome in _BEST_FIRST:
        for measurement in measurements:
            if measurement.outcome == outcome:
                return measurement
    return measurements[0] if measurements else None
