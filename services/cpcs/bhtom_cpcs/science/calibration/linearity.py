"""Whether a frame's fluxes are proportional to the light: the slope of magnitudes."""

import numpy as np

from bhtom_cpcs.science.calibration.robust_regression import FloatArray, robust_line
from bhtom_cpcs.science.calibration.zero_point_slopes import FittedStars

LARGEST_DEPARTURE = 0.03
_SIGNIFICANCE = 3.0
_FEWEST_STARS = 10
_DOUBTED_STARS = 20  # few stars know little of their own scatter
_LEAST_MAGNITUDE_SPREAD = 1.5
_LARGEST_ERROR_MAG = 0.041  # signal to noise of 30, and a catalogue error of 0.02 mag
_SHARE_WITH_COLOUR = 0.8
_SLOPES = np.linspace(-2.0, 2.0, 81)


def magnitude_slope(stars: FittedStars) -> tuple[float, float] | None:
    """Slope of instrumental against reference magnitudes minus one, and its error.

    Zero for a linear detector; -0.5 for a frame that was stretched with a square root.
    Fitted to stars of signal to noise above 30 against the catalogue's magnitudes,
    together with the colour, because faint stars are redder. None where fewer than
    10 such stars span 1.5 mag; the error is larger for few of them.
    """
    good = stars.error < _LARGEST_ERROR_MAG
    known = good & np.isfinite(stars.colour)
    with_colour = bool(known.sum() > _SHARE_WITH_COLOUR * good.sum())
    if with_colour:
        good = known
    if good.sum() < _FEWEST_STARS:
        return None
    magnitude = stars.reference_magnitude[good]
    low, high = np.quantile(magnitude, (0.05, 0.95))
    if high - low < _LEAST_MAGNITUDE_SPREAD:
        return None
    columns: tuple[FloatArray, ...] = (
        np.ones(len(magnitude)),
        magnitude - float(np.median(magnitude)),
    )
    if with_colour:
        columns = (*columns, stars.colour[good])
    fit = robust_line(columns, stars.difference[good], stars.error[good], _SLOPES)
    doubt = 1 + _DOUBTED_STARS / len(magnitude)
    return -float(fit.coefficients[1]), float(np.sqrt(fit.covariance[1, 1] * doubt))


def is_not_linear(slope: tuple[float, float] | None) -> bool:
    """Say whether a slope is off by more than 0.03, beyond doubt."""
    if slope is None:
        return False
    return abs(slope[0]) > LARGEST_DEPARTURE + _SIGNIFICANCE * slope[1]
