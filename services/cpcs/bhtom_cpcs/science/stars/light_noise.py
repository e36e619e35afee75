"""Gain from the stars themselves: how the noise under their light goes with it."""

from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.gain import StarsGain
from bhtom_cpcs.science.order_statistics import median
from bhtom_cpcs.science.stars.scene_fit import SceneFit
from bhtom_cpcs.science.stars.stamps import dot

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_MOST_STARS, _FEWEST_STARS = 300, 5
_BRIGHT_SIGMA, _COMPLETE = 10.0, 0.98
_LARGEST_LEVERAGE = 0.6
# Of a star's peak: what a PSF is wrong by goes with the star's light, and in its wings
# would pass for noise of little light.
_CORE = 0.15
# Groups of pixels of like light, from half the sky's rms up, each to twice that light.
_FIRST_RMS, _GROUPS, _FEWEST_PX, _FEWEST_GROUPS = 0.5, 30, 20, 3
# Of a median absolute deviation, as a measure of a normal distribution's variance.
_EFFICIENCY = 0.37
_TURNS: Final = 5
# Chi-square for each degree of freedom above which the noise does not go with the light
# as photons' does: 0.4 to 2.4 on simulated and real frames of linear detectors, 42 on a
# photographic plate, whose stars have another form at every brightness.
_WORST_CHI_SQUARE: Final = 6.0


def light_noise(fit: SceneFit, whole: BoolArray) -> StarsGain | None:
    """Measure the gain in what a fit leaves of the stars.

    Photon transfer (Janesick 2007, Photon Transfer, eq. 5.1) with stars in the place
    of a flat field: the variance of a pixel under the light L is that of empty sky,
    L / gain, and a term in L^2 of what the PSF and the flat field are wrong by. What
    fluxes and positions take up of the noise is put back by their leverage.

    Parameters
    ----------
    whole : which stars are unsaturated and stand alone, shape (n,)

    Returns
    -------
    StarsGain or None
        Free of any sky, pedestal, dark current and read noise. None where too few
        stars tell, where no noise goes with their light, and where what is left of
        them goes with it otherwise than photon noise and misfits do.
    """
    light, square = _residuals(fit, whole)
    groups = _groups(light, square, fit.noise.sky_rms_adu)
    if len(groups) < _FEWEST_GROUPS:
        return None
    mean, mean_square, variance, count = groups.T
    sky = fit.noise.sky_rms_adu**2
    model = variance
    for _ in range(_TURNS):
        weight = _EFFICIENCY / 2 * count / model**2
        slope, curve, error = _line(mean, mean_square, variance - sky, weight)
        model = sky + slope * mean + curve * mean_square
    chi_square = float(np.sum(weight * (variance - model) ** 2))
    freedom = max(len(groups) - 2, 1)
    if slope <= 0 or chi_square > _WORST_CHI_SQUARE * freedom:
        return None
    return StarsGain(1 / slope, error / slope**2, float(np.sqrt(curve)))


def _residuals(fit: SceneFit, whole: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Light of the model in the stars' pixels, and what is left there, squared."""
    area = np.maximum(dot(fit.profile, fit.profile), 1e-30)
    signal = fit.flux * np.sqrt(area) / fit.noise.sky_rms_adu
    good = whole & (fit.coverage > _COMPLETE) & (signal > _BRIGHT_SIGMA)
    who = np.flatnonzero(good)[:_MOST_STARS]
    if len(who) < _FEWEST_STARS:
        return np.zeros(0), np.zeros(0)
    model = fit.model(who)
    weight = fit.weight(model, who) * (fit.profile[who] > 0)
    leverage = np.zeros_like(weight)
    gradients = fit.psf.gradients(fit.x[who], fit.y[who], fit.at.half)
    for basis in (fit.light[who], *gradients):
        known = np.maximum(dot(weight, basis, basis), 1e-30)
        leverage += weight * basis**2 / known[:, None, None]
    own = fit.light[who]
    core = own > _CORE * own.max(axis=(1, 2), keepdims=True)
    inside = core & (weight > 0) & (leverage < _LARGEST_LEVERAGE)
    left = fit.left(who)[inside]
    return model[inside], left**2 / (1 - leverage[inside])


def _groups(light: FloatArray, square: FloatArray, rms: float) -> FloatArray:
    """Mean light, mean of its square, robust variance, count of pixels; (n, 4)."""
    lowest = _FIRST_RMS * rms
    with np.errstate(divide="ignore", invalid="ignore"):
        number = np.floor(np.log2(light / lowest))
    rows = []
    for group in range(_GROUPS):
        chosen = number == group
        count = np.count_nonzero(chosen)
        if count < _FEWEST_PX:
            continue
        here = light[chosen]
        variance = 1.4826**2 * median(square[chosen])
        rows.append((here.mean(), np.mean(here**2), variance, float(count)))
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _line(
    mean: FloatArray, square: FloatArray, excess: FloatArray, weight: FloatArray
) -> tuple[float, float, float]:
    """Slope and curve of variance against light, both at least 0; the slope's error."""
    aa, bb, ab = (
        float(np.sum(weight * one * other))
        for one, other in ((mean, mean), (square, square), (mean, square))
    )
    a, b = (float(np.sum(weight * excess * one)) for one in (mean, square))
    determinant = max(aa * bb - ab**2, 1e-12 * aa * bb)
    slope, curve = (a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant
    if curve < 0:
        slope, curve = a / aa, 0.0
    elif slope < 0:
        slope, curve = 0.0, b / bb
    return max(slope, 0.0), max(curve, 0.0), float(np.sqrt(bb / determinant))
