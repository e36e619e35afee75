"""From a target's flux to its magnitude, its limits and its fixed aperture."""

import math
from dataclasses import replace
from typing import Final

from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.calibration.star_words import stars_in_words
from bhtom_cpcs.science.calibration.zero_point_at import (
    TargetZeroPoint,
    zero_point_at,
)
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_cpcs.science.targets.catalogue_colour import recorded_colours
from bhtom_cpcs.science.targets.error_budget import (
    Circumstances,
    calibration_terms,
    in_quadrature,
)
from bhtom_cpcs.science.targets.forced_fit import ForcedFit, FrameLight
from bhtom_cpcs.science.targets.host_light import aperture_flux
from bhtom_cpcs.science.targets.limiting_flux import (
    BOUND_DEFINITION,
    LIMIT_DEFINITION,
    bounding_flux,
    limiting_flux,
)
from bhtom_cpcs.science.targets.measuring import Measuring
from bhtom_cpcs.science.targets.target_position import TargetPlace

LIMIT_SIGMA: Final = 3.0
_NOT_SEEN: Final = "The target was not seen:"
_NOT_TOLD_APART: Final = (
    "The target cannot be told from light beside it that is in no catalogue:"
)


def calibration_of(
    at: Measuring, place: TargetPlace, fit: ForcedFit
) -> TargetZeroPoint:
    """Return the zero point at the target's place, for its colour."""
    colours = recorded_colours(
        place,
        at.decisions,
        at.zero_point.colour_term,
        at.reference,
        at.timing.mid_exposure_mjd_utc,
    )
    return zero_point_at(at.zero_point, fit.x, fit.y, colours, at.timing.air_mass)


def with_limits(
    at: Measuring,
    calibration: TargetZeroPoint,
    placed: TargetMeasurement,
    fit: ForcedFit,
    misfit_adu: float,
) -> TargetMeasurement:
    """Add the magnitudes of the fluxes whose signal to noise in this fit is 3 and 5.

    Where there is light of which nobody knows whose it is, a target is not fainter than
    an empty place would tell: all of it bounds it.
    """
    gain, known = at.light.noise.gain_e_per_adu, placed.signal_to_noise or 0.0
    limits, definition = [], LIMIT_DEFINITION
    for sigma in (LIMIT_SIGMA, 5.0):
        flux = limiting_flux(sigma, fit.empty_error, gain)
        if known < LIMIT_SIGMA:
            bound = bounding_flux(sigma, fit.flux, fit.error, misfit_adu)
            if bound > flux:
                flux, definition = bound, BOUND_DEFINITION
        limits.append(calibration.value - 2.5 * math.log10(flux))
    return replace(
        placed,
        limit_3sigma=limits[0],
        limit_5sigma=limits[1],
        limit_definition=definition,
    )


def normalisation_error(at: Measuring, fit: ForcedFit) -> float:
    """What the PSF misses of this target and not of the zero point's stars [mag].

    A change with flux or place that the stars show is in the error, not taken off: it
    is that of a model which does not fit.
    """
    normalisation = at.light.psf.normalisation
    missed = normalisation.missed_mag(
        fit.x, fit.y, fit.flux, by_place=at.zero_point.spatial_term is None
    )
    return math.hypot(normalisation.scatter_mag, float(missed) - at.stars_missed_mag)


def with_aperture(
    at: Measuring,
    calibration: TargetZeroPoint,
    placed: TargetMeasurement,
    light: FrameLight,
    fit: ForcedFit,
    circumstances: Circumstances,
) -> TargetMeasurement:
    """Add the flux of all the light in the fixed aperture, and its magnitude."""
    found = aperture_flux(light, fit, at.astrometry.pixel_scale_arcsec)
    if found is None:
        return placed
    placed = replace(
        placed,
        fixed_aperture_arcsec=found.radius_arcsec,
        fixed_aperture_flux_adu=found.flux,
        fixed_aperture_flux_error_adu=found.error,
    )
    if found.flux < LIMIT_SIGMA * found.error:
        return placed
    relative = MAG_PER_RELATIVE * found.error / found.flux
    return replace(
        placed,
        fixed_aperture_magnitude=calibration.value - 2.5 * math.log10(found.flux),
        fixed_aperture_magnitude_error=in_quadrature(
            {"flux": relative, **calibration_terms(circumstances)}
        ),
    )


def as_magnitude(
    at: Measuring,
    calibration: TargetZeroPoint,
    placed: TargetMeasurement,
    fit: ForcedFit,
    budget: dict[str, float],
) -> TargetMeasurement:
    """Turn the flux into a magnitude, or into a limit below 3 sigma."""
    passband = passband_text(at.zero_point.passband)
    stars = stars_in_words(at.zero_point)
    if not (placed.signal_to_noise or 0.0) >= LIMIT_SIGMA:
        message = sentence(
            Outcome.LIMIT,
            limit_3sigma=placed.limit_3sigma,
            passband=passband,
            stars=stars,
        )
        if placed.limit_definition == BOUND_DEFINITION:
            message = message.replace(_NOT_SEEN, _NOT_TOLD_APART)
        return replace(placed, outcome=Outcome.LIMIT, message=message, is_limit=True)
    magnitude = calibration.value - 2.5 * math.log10(fit.flux)
    magnitude_error = in_quadrature(budget)
    message = sentence(
        Outcome.CALIBRATED,
        passband=passband,
        magnitude=magnitude,
        magnitude_error=magnitude_error,
        stars=stars,
    )
    return replace(
        placed,
        outcome=Outcome.CALIBRATED,
        message=message,
        magnitude=magnitude,
        magnitude_error=magnitude_error,
        error_budget_mag=budget,
    )
