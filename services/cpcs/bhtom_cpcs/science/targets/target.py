"""The forced measurement at a target's position: a flux, then a magnitude or limit."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.calibration.zero_point_at import (
    TargetZeroPoint,
    zero_point_at,
)
from bhtom_cpcs.science.decisions import Decisions
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.detector import Detector
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results.frame import Timing
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.targets.catalogue_colour import recorded_colours
from bhtom_cpcs.science.targets.error_budget import (
    Circumstances,
    flux_terms,
    in_quadrature,
    magnitude_terms,
)
from bhtom_cpcs.science.targets.forced_fit import ForcedFit, FrameLight, forced_fit
from bhtom_cpcs.science.targets.host_light import aperture_flux, extended_light
from bhtom_cpcs.science.targets.limiting_flux import (
    LIMIT_DEFINITION,
    limiting_flux,
)
from bhtom_cpcs.science.targets.neighbourhood import Neighbours, neighbours_of
from bhtom_cpcs.science.targets.target_flags import quality_words
from bhtom_cpcs.science.targets.target_pixels import (
    TargetPixels,
    coverage_flags,
    coverage_refusal,
    look_at_pixels,
)
from bhtom_cpcs.science.targets.target_position import TargetPlace, refusal_of
from bhtom_cpcs.science.targets.unmodelled_light import stars_beside, unmodelled_light

LIMIT_SIGMA: Final = 3.0


@dataclass(frozen=True, slots=True)
class Measuring:
    """What the forced measurement of a plane's targets has in common.

    `astrometric_error_arcsec` is 1 sigma an axis of the frame's own coordinates.
    """

    light: FrameLight
    astrometry: Astrometry
    astrometric_error_arcsec: float
    sources: Sources
    detector: Detector
    sky_level: float
    zero_point: ZeroPoint
    timing: Timing
    reference: ReferenceStars | None
    catalogue: str
    decisions: Decisions
    aperture_m: float | None = None
    site_height_m: float = 0.0
    match_radius_arcsec: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image [px]."""
        height, width = self.light.pixels.shape
        return height, width

    @property
    def epoch_jyear(self) -> float:
        """When the frame was taken [yr]."""
        return julian_year(self.timing.mid_exposure_mjd_utc)


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
    pixels = look_at_pixels(at.light, x, y, at.sky_level, at.detector.saturation_adu)
    if pixels.saturated:
        return _saturated(at, blank, pixels)
    return _fitted(at, place, blank, pixels, neighbours, trail_px)


def _nearest_arcsec(at: Measuring, x: float, y: float) -> float | None:
    if not len(at.sources):
        return None
    distance = float(np.min(np.hypot(at.sources.x - x, at.sources.y - y)))
    return distance * at.astrometry.pixel_scale_arcsec


def _saturated(
    at: Measuring, blank: TargetMeasurement, pixels: TargetPixels
) -> TargetMeasurement:
    outcome = Outcome.TARGET_SATURATED
    message = sentence(outcome, peak=pixels.peak_adu, limit=at.detector.saturation_adu)
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
    error_px = _position_error_px(at, blank)
    fit = forced_fit(pixels.light, x, y, (neighbours.x, neighbours.y), error_px)
    if refused := coverage_refusal(fit, pixels, at.shape):
        return replace(blank, message=refused)
    unmodelled = unmodelled_light(pixels.light, fit, at.sources)
    calibration = _calibration(at, place, fit)
    circumstances = Circumstances(
        zero_point_error_mag=calibration.error,
        colour_error_mag=calibration.colour_error,
        fwhm_px=at.light.psf.fwhm_px,
        normalisation_error_mag=at.light.psf.normalisation_error_mag,
        exposure_time_s=at.timing.exposure_time_s,
        air_mass=at.timing.air_mass,
        aperture_m=at.aperture_m,
        site_height_m=at.site_height_m,
        position_error_px=0.0 if fit.is_free else error_px,
        trail_px=trail_px,
        unmodelled_adu=unmodelled.light_adu,
        lost_share=max(1.0 - fit.coverage, 0.0) if pixels.struck else 0.0,
    )
    host = extended_light(pixels.light, fit).found and unmodelled.light_adu == 0
    terms = flux_terms(fit, circumstances)
    error = in_quadrature(terms)
    flags = coverage_flags(fit, at.shape, at.light.psf.fit_radius_px)
    flags += quality_words(
        fit,
        pixels,
        blended=unmodelled.light_adu > 0,
        host=host,
        trailed=trail_px > at.light.psf.fwhm_px,
        unmatched=_is_unmatched(at, blank),
        noise_empirical=at.detector.noise_empirical,
    )
    placed = replace(
        _with_position(at, blank, fit),
        flux_adu=fit.flux,
        flux_error_adu=error,
        signal_to_noise=fit.flux / error,
        limit_3sigma=_limit(at, calibration, fit, 3.0),
        limit_5sigma=_limit(at, calibration, fit, 5.0),
        limit_definition=LIMIT_DEFINITION,
        error_budget_adu=terms,
        flags=tuple(dict.fromkeys([*flags, *calibration.flags])),
        other_fluxes=fit.other_fluxes,
        reduced_chi_square=fit.chi2,
        neighbour_flux_adu=fit.neighbour_flux,
        local_background_adu=fit.background,
        is_resolved=unmodelled.is_resolved,
        stars_beside=stars_beside(
            unmodelled,
            at.astrometry,
            at.astrometric_error_arcsec,
            calibration.value,
            at.light.psf.fwhm_px,
        ),
    )
    if host:
        placed = _with_aperture(at, calibration, placed, pixels.light, fit)
    budget = magnitude_terms(fit, circumstances, terms) if fit.flux > 0 else {}
    return _as_magnitude(at, calibration, placed, fit, budget)


def _calibration(at: Measuring, place: TargetPlace, fit: ForcedFit) -> TargetZeroPoint:
    """Return the zero point at the target's place, for its colour."""
    term = at.zero_point.colour_term
    colours = recorded_colours(place, at.decisions, term, at.reference, at.epoch_jyear)
    return zero_point_at(at.zero_point, fit.x, fit.y, colours, at.timing.air_mass)


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


def _limit(
    at: Measuring, calibration: TargetZeroPoint, fit: ForcedFit, sigma: float
) -> float:
    """Magnitude of the flux whose signal to noise in this fit is `sigma`."""
    gain = at.light.noise.gain_e_per_adu
    flux = limiting_flux(sigma, fit.empty_error, gain)
    return calibration.value - 2.5 * math.log10(flux)


def _with_aperture(
    at: Measuring,
    calibration: TargetZeroPoint,
    placed: TargetMeasurement,
    light: FrameLight,
    fit: ForcedFit,
) -> TargetMeasurement:
    """Add the magnitude of all the light in the fixed aperture."""
    found = aperture_flux(light, fit, at.astrometry.pixel_scale_arcsec)
    if found is None or found.flux < LIMIT_SIGMA * found.error:
        return placed
    relative = MAG_PER_RELATIVE * found.error / found.flux
    return replace(
        placed,
        fixed_aperture_arcsec=found.radius_arcsec,
        fixed_aperture_magnitude=calibration.value - 2.5 * math.log10(found.flux),
        fixed_aperture_magnitude_error=math.hypot(relative, calibration.error),
    )


def _as_magnitude(
    at: Measuring,
    calibration: TargetZeroPoint,
    placed: TargetMeasurement,
    fit: ForcedFit,
    budget: dict[str, float],
) -> TargetMeasurement:
    """Turn the flux into a magnitude, or into a limit below 3 sigma."""
    passband = passband_text(at.zero_point.passband)
    n_stars = at.zero_point.n_stars
    if not (placed.signal_to_noise or 0.0) >= LIMIT_SIGMA:
        message = sentence(
            Outcome.LIMIT,
            limit_3sigma=placed.limit_3sigma,
            passband=passband,
            n_stars=n_stars,
        )
        return replace(placed, outcome=Outcome.LIMIT, message=message, is_limit=True)
    magnitude = calibration.value - 2.5 * math.log10(fit.flux)
    magnitude_error = in_quadrature(budget)
    message = sentence(
        Outcome.CALIBRATED,
        passband=passband,
        magnitude=magnitude,
        magnitude_error=magnitude_error,
        n_stars=n_stars,
    )
    return replace(
        placed,
        outcome=Outcome.CALIBRATED,
        message=message,
        magnitude=magnitude,
        magnitude_error=magnitude_error,
        error_budget_mag=budget,
    )
