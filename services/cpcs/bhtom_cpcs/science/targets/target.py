"""The forced measurement at a target's position: a flux, then a magnitude or limit."""

import math
from dataclasses import replace

import numpy as np

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_cpcs.science.scene_evidence import LightAbout
from bhtom_cpcs.science.targets.error_budget import (
    Circumstances,
    flux_terms,
    in_quadrature,
    magnitude_terms,
)
from bhtom_cpcs.science.targets.fit_verdict import FitVerdict, judge_fit
from bhtom_cpcs.science.targets.forced_fit import ForcedFit, FrameLight, forced_fit
from bhtom_cpcs.science.targets.host_evidence import light_about
from bhtom_cpcs.science.targets.host_light import extended_light
from bhtom_cpcs.science.targets.measuring import Measuring
from bhtom_cpcs.science.targets.neighbourhood import Neighbours, neighbours_of
from bhtom_cpcs.science.targets.target_flags import quality_words
from bhtom_cpcs.science.targets.target_magnitude import (
    as_magnitude,
    calibration_of,
    normalisation_error,
    with_aperture,
    with_limits,
)
from bhtom_cpcs.science.targets.target_pixels import (
    TargetPixels,
    coverage_flags,
    coverage_refusal,
    look_at_pixels,
    without_flanks,
)
from bhtom_cpcs.science.targets.target_position import TargetPlace, refusal_of
from bhtom_cpcs.science.targets.unmodelled_light import (
    Unmodelled,
    stars_beside,
    unmodelled_light,
)


def measure_target(
    at: Measuring, place: TargetPlace, trail_px: float = 0.0
) -> TargetMeasurement:
    """Measure the flux at a target's place, whatever is there.

    Every way in which it cannot be measured is an outcome of the measurement.
    `trail_px` is how far the target itself moved during the exposure.
    """
    blank = TargetMeasurement(
        place.target.target_id,
        Outcome.TARGET_MASKED,
        "",
        place.ra_deg,
        place.dec_deg,
        position_source=place.source,
    )
    if absent := refusal_of(place, at.astrometry, at.shape):
        return replace(blank, outcome=absent[0], message=absent[1])
    x, y = (
        float(axis[0])
        for axis in at.astrometry.pixel(
            np.array([place.ra_deg]), np.array([place.dec_deg])
        )
    )
    neighbours = neighbours_of(
        place,
        at.decisions,
        at.reference,
        at.catalogue,
        at.astrometry,
        at.epoch_jyear,
        at.light.psf.fwhm_px,
    )
    blank = replace(
        blank,
        x_px=x,
        y_px=y,
        aperture_radius_px=at.light.psf.fit_radius_px,
        position_error_arcsec=math.hypot(*place.error_arcsec) / math.sqrt(2),
        nearest_source_arcsec=_nearest_arcsec(at, x, y),
        scene_version=neighbours.version,
        n_neighbours=len(neighbours.x),
        proposed_scene=neighbours.proposed,
    )
    pixels = look_at_pixels(
        at.light, x, y, at.sky_level, at.detector.saturation_adu, at.strikes
    )
    if pixels.saturated:
        limit = at.detector.saturation_adu
        return _saturated(blank, pixels, float(limit or 0.0))
    return _fitted(at, place, blank, pixels, neighbours, trail_px)


def _nearest_arcsec(at: Measuring, x: float, y: float) -> float | None:
    if not len(at.sources):
        return None
    distance = float(np.min(np.hypot(at.sources.x - x, at.sources.y - y)))
    return distance * at.astrometry.pixel_scale_arcsec


def _saturated(
    blank: TargetMeasurement, pixels: TargetPixels, limit_adu: float
) -> TargetMeasurement:
    outcome = Outcome.TARGET_SATURATED
    message = sentence(outcome, peak=pixels.peak_adu, limit=limit_adu)
    return replace(blank, outcome=outcome, message=message, flags=(FlagWord.SATURATED,))


def _fitted(
    at: Measuring,
    place: TargetPlace,
    blank: TargetMeasurement,
    pixels: TargetPixels,
    neighbours: Neighbours,
    trail_px: float,
) -> TargetMeasurement:
    """Fit the flux and say how good it is."""
    x, y = float(blank.x_px or 0.0), float(blank.y_px or 0.0)
    error_px, beside = _position_error_px(at, blank), (neighbours.x, neighbours.y)
    if pixels.struck:
        pixels = without_flanks(pixels, x, y, beside, error_px)
    fit = forced_fit(pixels.light, x, y, beside, error_px)
    if refused := coverage_refusal(fit, pixels, at.shape):
        return replace(blank, message=refused)
    unmodelled = unmodelled_light(pixels.light, fit, at.sources)
    seen = extended_light(pixels.light, fit, unmodelled.fitted, at.usual.stars).found
    host = seen or neighbours.on_host
    verdict = judge_fit(
        pixels.light, fit, unmodelled.star, at.usual, at.brightest_peak_adu
    )
    if verdict.saturated_at is not None:
        return _saturated(blank, pixels, verdict.saturated_at + at.sky_level)
    if seen:  # its light is no star's, and that is said
        verdict = FitVerdict()
    calibration = calibration_of(at, place, fit)
    circumstances = Circumstances(
        zero_point_error_mag=calibration.error,
        colour_error_mag=calibration.colour_error,
        fwhm_px=at.light.psf.fwhm_px,
        normalisation_error_mag=normalisation_error(at, fit),
        exposure_time_s=at.timing.exposure_time_s,
        air_mass=at.timing.air_mass,
        aperture_m=at.aperture_m,
        site_height_m=at.site_height_m,
        position_error_px=0.0 if fit.is_free else error_px,
        trail_px=trail_px,
        unmodelled_adu=unmodelled.light_adu,
        misfit_adu=verdict.misfit,
        lost_share=max(1.0 - fit.coverage, 0.0) if pixels.struck else 0.0,
    )
    terms = flux_terms(fit, circumstances)
    error = in_quadrature(terms)
    flags = coverage_flags(fit, at.shape, at.light.psf.fit_radius_px)
    flags += quality_words(
        fit,
        pixels,
        blended=unmodelled.light_adu > 0,
        host=host,
        poor_fit=verdict.poor,
        trailed=trail_px > at.light.psf.fwhm_px,
        unmatched=_is_unmatched(at, blank),
        noise_empirical=at.detector.noise_empirical,
    )
    placed = replace(
        _with_position(at, blank, fit),
        flux_adu=fit.flux,
        flux_error_adu=error,
        signal_to_noise=fit.flux / error,
        error_budget_adu=terms,
        flags=tuple(dict.fromkeys([*flags, *calibration.flags])),
        other_fluxes=fit.other_fluxes,
        reduced_chi_square=fit.star.chi2,
        neighbour_flux_adu=fit.neighbour_flux,
        local_background_adu=fit.background,
        # on a galaxy, what looks like stars beside the target may be pieces of it
        is_resolved=unmodelled.is_resolved and not host,
        stars_beside=()
        if host
        else stars_beside(
            unmodelled,
            at.astrometry,
            at.astrometric_error_arcsec,
            calibration.value,
            at.light.psf.fwhm_px,
        ),
        light_about=_light_about(at, pixels.light, fit, unmodelled, seen),
    )
    placed = with_limits(at, calibration, placed, fit, verdict.misfit)
    if host:
        placed = with_aperture(
            at, calibration, placed, pixels.light, fit, circumstances
        )
    budget = magnitude_terms(fit, circumstances, terms) if fit.flux > 0 else {}
    return as_magnitude(at, calibration, placed, fit, budget)


def _light_about(
    at: Measuring,
    light: FrameLight,
    fit: ForcedFit,
    unmodelled: Unmodelled,
    seen: bool,
) -> LightAbout | None:
    """What the frame tells of a host; nothing where it does not show the target."""
    if not unmodelled.is_resolved:
        return None
    return light_about(
        light, fit, unmodelled.fitted, at.usual.stars, at.astrometry, said=seen
    )


def _position_error_px(at: Measuring, blank: TargetMeasurement) -> float:
    """1 sigma an axis of where the target must be in this frame."""
    known = float(blank.position_error_arcsec or 0.0)
    arcsec = math.hypot(known, at.astrometric_error_arcsec)
    return arcsec / at.astrometry.pixel_scale_arcsec


def _is_unmatched(at: Measuring, blank: TargetMeasurement) -> bool:
    """Whether a match radius was asked for and no source is within it."""
    radius, nearest = at.match_radius_arcsec, blank.nearest_source_arcsec
    return bool(radius) and (nearest is None or nearest > float(radius or 0.0))


def _with_position(
    at: Measuring, blank: TargetMeasurement, fit: ForcedFit
) -> TargetMeasurement:
    """Add where the fit was made, and where the light itself says that it is."""
    blank = replace(blank, x_px=fit.x, y_px=fit.y, position_free=fit.is_free)
    if fit.centre is None:
        return blank
    ra, dec = at.astrometry.sky(np.array([fit.centre.x]), np.array([fit.centre.y]))
    scale = at.astrometry.pixel_scale_arcsec
    # the axes of the image may lie any way on the sky: the larger error counts for both
    error_px = max(fit.centre.error_x, fit.centre.error_y)
    error = math.hypot(error_px * scale, at.astrometric_error_arcsec)
    return replace(
        blank,
        fitted_ra_deg=float(ra[0]) % 360,
        fitted_dec_deg=float(dec[0]),
        fitted_ra_error_arcsec=error,
        fitted_dec_error_arcsec=error,
    )
