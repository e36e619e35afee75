"""Slopes of a zero point: with the stars' colour, and with their air mass."""

from dataclasses import dataclass, replace

import numpy as np

from bhtom_cpcs.science.calibration.robust_regression import (
    BoolArray,
    FloatArray,
    Regression,
    robust_line,
    robust_regression,
)
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS, fit_zero_point

# A colour term counts when it is this many sigma, more where stars are few.
_SIGNIFICANCE = 3.0
_FEWEST_FOR_COLOUR = 12
_LEAST_COLOUR_SPREAD_MAG = 0.15
_LARGEST_CHANGE_SIGMA = 4.0
_COLOUR_SLOPES = np.linspace(-1.5, 1.5, 61)
_WIDE_FIELD_RADIUS_DEG = 1.0
_LEAST_AIR_MASS_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class FittedStars:
    """The stars of one band, one element a star.

    Attributes
    ----------
    difference, error : reference minus instrumental magnitude, 1 sigma [mag]
    reference_magnitude : [mag]
    colour : minus the pivot, NaN where unknown [mag]
    u, v : position about the frame's centre in units of its longer half side
    air_mass : NaN where unknown
    field_radius_deg : half the diagonal of the field
    """

    difference: FloatArray
    error: FloatArray
    reference_magnitude: FloatArray
    colour: FloatArray
    u: FloatArray
    v: FloatArray
    air_mass: FloatArray
    field_radius_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Slope:
    """A fitted slope: as it came out, its error, and as it is applied.

    `applied` is zero where the slope is not significant, else drawn towards zero by
    its own uncertainty, value x (1 - (error / value)^2). `lowest`, `highest` is the
    range of the abscissa among the stars. `applied_error` is that of a slope which
    earlier frames joined in, None where there was none.
    """

    value: float
    error: float
    applied: float
    lowest: float
    highest: float
    n_stars: int
    applied_error: float | None = None


@dataclass(frozen=True, slots=True)
class LearnedSlope:
    """A slope known from earlier frames, and its 1 sigma error."""

    value: float
    error: float


def colour_slope(stars: FittedStars) -> Slope | None:
    """Slope of the differences with the colour; None without enough colours."""
    known = np.isfinite(stars.colour)
    if known.sum() < _FEWEST_FOR_COLOUR:
        return None
    colour = stars.colour[known]
    low, high = np.quantile(colour, (0.05, 0.95))
    if high - low < _LEAST_COLOUR_SPREAD_MAG:
        return None
    columns = (np.ones(len(colour)), colour)
    fit = robust_line(
        columns, stars.difference[known], stars.error[known], _COLOUR_SLOPES
    )
    return _slope_of(fit, colour)


def with_learned(
    own: Slope | None, learned: LearnedSlope | None, stars: FittedStars
) -> Slope | None:
    """Join the frame's colour slope with the one known before.

    `value` and `error` stay the frame's own, so that nothing is learnt twice. Stars
    without a colour leave the fit where a slope is applied: with fewer coloured ones
    than a zero point needs, none is.
    """
    if learned is None:
        return own
    if own is None:
        colour = stars.colour[np.isfinite(stars.colour)]
        if len(colour) < FEWEST_STARS:
            return None
        lowest, highest = float(colour.min()), float(colour.max())
        return Slope(
            learned.value,
            learned.error,
            learned.value,
            lowest,
            highest,
            0,
            learned.error,
        )
    off = abs(own.value - learned.value)
    if off > _LARGEST_CHANGE_SIGMA * np.hypot(own.error, learned.error):
        return own
    weights = own.error**-2, learned.error**-2
    joined = (weights[0] * own.value + weights[1] * learned.value) / sum(weights)
    error = float(sum(weights) ** -0.5)
    return replace(own, applied=joined, applied_error=error)


def extinction_slope(
    stars: FittedStars, corrected: FloatArray, known: BoolArray
) -> tuple[Slope | None, float | None]:
    """Slope with the stars' own air mass, in wide fields only, and the mean one."""
    rows = known & np.isfinite(stars.air_mass)
    if stars.field_radius_deg < _WIDE_FIELD_RADIUS_DEG or rows.sum() < 30:
        return None, None
    air_mass = stars.air_mass[rows]
    mean = float(np.median(air_mass))
    if np.ptp(np.quantile(air_mass, (0.05, 0.95))) < _LEAST_AIR_MASS_SPREAD:
        return None, None
    start = fit_zero_point(corrected[rows], stars.error[rows]).value
    fit = robust_regression(
        (np.ones(len(air_mass)), air_mass - mean),
        corrected[rows],
        stars.error[rows],
        np.array([start, 0.0]),
    )
    return _slope_of(fit, air_mass), mean


def _slope_of(fit: Regression, abscissa: FloatArray) -> Slope:
    """Judge the second coefficient of a fit."""
    value, variance = float(fit.coefficients[1]), float(fit.covariance[1, 1])
    count = int(fit.used.sum())
    # the sandwich error of few stars is too small
    needed = _SIGNIFICANCE * (1 + 10 / max(count, 1))
    significant = value**2 > needed**2 * variance
    applied = value * (1 - variance / value**2) if significant else 0.0
    inside = abscissa[fit.used] if count else abscissa
    return Slope(
        value,
        float(np.sqrt(variance)),
        applied,
        float(inside.min()),
        float(inside.max()),
        count,
    )
