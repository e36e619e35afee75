"""How likely each star's difference is, when nobody knows which stars are wrong."""

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Wrong stars: half of them are strangers, of any magnitude within this range; half have
# a little light too much or too little (blends, variables), by this scale. Between 0.15
# and 1 mag, on one side or both, in truth, no other scale told r from R more often.
_STRANGERS_RANGE_MAG: Final = 8.0
_SPOILT_SCALE_MAG: Final = 0.4
_SHARE_AT_START: Final = 0.3
_LARGEST_SHARE: Final = 0.6
_MOST_STEPS: Final = 60
_SETTLED_MAG: Final = 1e-6
_TINY_VARIANCE: Final = 1e-12


def log_likelihoods(
    difference: FloatArray,
    error: FloatArray,
    zero_point: float,
    intrinsic_variance: float,
) -> FloatArray:
    """Logarithm of each star's likelihood under the best mixture of good and wrong.

    Good stars scatter about one zero point by their own errors and a common intrinsic
    variance; wrong ones as a broad background. Zero point, variance and share of wrong
    stars are those of greatest likelihood, found by expectation maximisation (Dempster,
    Laird & Rubin 1977, J. R. Stat. Soc. B 39, 1; mixtures of outliers as in Hogg, Bovy
    & Lang 2010, arXiv:1008.4686, section 3).

    Parameters
    ----------
    difference : ndarray, shape (n,)
        Reference minus instrumental magnitude of each pair, finite [mag].
    error : ndarray, shape (n,)
        1 sigma error of each difference, positive [mag].
    zero_point, intrinsic_variance : float
        Robust first guesses [mag, mag^2]; a variance that is too large does no harm.

    Returns
    -------
    ndarray, shape (n,)
        Natural logarithms [of 1/mag]. Their sum tells how well the stars fit.
    """
    value, extra = zero_point, max(intrinsic_variance, 0.0)
    share = _SHARE_AT_START
    for _ in range(_MOST_STEPS):
        good, wrong = _densities(difference - value, error**2 + extra)
        is_good = (1 - share) * good / ((1 - share) * good + share * wrong)
        share = float(np.clip(1 - np.mean(is_good), 1 / len(error), _LARGEST_SHARE))
        weight = is_good / (error**2 + extra + _TINY_VARIANCE)
        if not np.sum(weight) > 0:
            break
        before, value = value, float(np.sum(weight * difference) / np.sum(weight))
        square = (difference - value) ** 2 - error**2
        extra = max(float(np.sum(is_good * square) / np.sum(is_good)), 0.0)
        if abs(value - before) < _SETTLED_MAG:
            break
    good, wrong = _densities(difference - value, error**2 + extra)
    likelihood: FloatArray = np.log((1 - share) * good + share * wrong)
    return likelihood


def _densities(
    residual: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Densities of good and of wrong stars [1/mag]."""
    variance = variance + _TINY_VARIANCE
    good = np.exp(-(residual**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    spoilt = np.exp(-np.abs(residual) / _SPOILT_SCALE_MAG) / (2 * _SPOILT_SCALE_MAG)
    return good, (1 / _STRANGERS_RANGE_MAG + spoilt) / 2
