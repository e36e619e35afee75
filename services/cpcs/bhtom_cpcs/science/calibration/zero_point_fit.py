"""The robust zero point of one band."""

from dataclasses import dataclass

import numpy as np

from bhtom_cpcs.science.calibration.robust_regression import (
    MAD_TO_SIGMA,
    BoolArray,
    FloatArray,
    intrinsic_variance,
    robust_regression,
    start_of,
)

FEWEST_STARS = 5


class TooFewStars(ValueError):
    """Fewer usable pairs than a zero point needs."""


@dataclass(frozen=True, slots=True)
class ZeroPointFit:
    """Offset that takes instrumental magnitudes to the reference system.

    Attributes
    ----------
    value, error : offset and its 1 sigma error [mag]
    scatter : robust rms of all residuals, none left out [mag]
    intrinsic_variance : what the pairs' own errors do not explain, signed [mag^2]
    outlier_fraction : share of pairs that the biweight gave no weight
    used : ndarray of bool, shape (n,), pairs with weight
    weight : ndarray, shape (n,), of the pairs [mag^-2]
    """

    value: float
    error: float
    scatter: float
    intrinsic_variance: float
    outlier_fraction: float
    used: BoolArray
    weight: FloatArray


def fit_zero_point(difference: FloatArray, error: FloatArray) -> ZeroPointFit:
    """Fit reference minus instrumental magnitudes by one constant.

    Starts at the half-sample mode, then re-weights with Tukey's biweight, so that
    up to 45 % wrong matches or one-sided blends move it by less than 2 sigma.

    Parameters
    ----------
    difference : ndarray, shape (n,)
        Reference minus instrumental magnitude of each pair, finite [mag].
    error : ndarray, shape (n,)
        1 sigma error of each difference, positive [mag].

    Raises
    ------
    TooFewStars
        Fewer than five pairs.
    """
    if len(difference) < FEWEST_STARS:
        message = f"{len(difference)} pairs, {FEWEST_STARS} needed"
        raise TooFewStars(message)
    one = np.ones(len(difference))
    start = np.array([start_of(difference)])
    fit = robust_regression((one,), difference, error, start)
    return ZeroPointFit(
        value=float(fit.coefficients[0]),
        error=float(np.sqrt(fit.covariance[0, 0])),
        scatter=MAD_TO_SIGMA * float(np.median(np.abs(fit.residual))),
        intrinsic_variance=intrinsic_variance(fit.residual, error),
        outlier_fraction=float(np.mean(~fit.used)),
        used=fit.used,
        weight=fit.weight,
    )
