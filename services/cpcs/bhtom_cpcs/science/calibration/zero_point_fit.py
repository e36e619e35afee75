"""The robust zero point of one band."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FEWEST_STARS = 5
_TUKEY_C = 4.685
_MAD_TO_SIGMA = 1.4826
# Median of |z| of a normal distribution cut at 2.5 sigma.
_CORE_SIGMA, _CORE_MEDIAN = 2.5, 0.6648
# Frame-to-frame error of the PSF normalisation, injected stars: 2-6 mmag.
PSF_NORMALISATION_MAG = 0.002


class TooFewStars(ValueError):
    """Fewer usable pairs than a zero point needs."""


@dataclass(frozen=True, slots=True)
class ZeroPointFit:
    """Offset that takes instrumental magnitudes to the reference system.

    Attributes
    ----------
    value, error : offset and its 1 sigma error, PSF normalisation included [mag]
    scatter : robust rms of all residuals, none left out [mag]
    intrinsic_variance : what the pairs' own errors do not explain, signed [mag^2]
    outlier_fraction : share of pairs that the biweight gave no weight
    used : ndarray of bool, shape (n,), pairs with weight
    """

    value: float
    error: float
    scatter: float
    intrinsic_variance: float
    outlier_fraction: float
    used: BoolArray


def half_sample_mode(values: FloatArray) -> float:
    """Mode by repeated halving (Robertson & Cryer 1974; Bickel & Fruehwirth 2006)."""
    values = np.sort(values)
    while len(values) > 3:
        half = (len(values) + 1) // 2
        widths = values[half - 1 :] - values[: len(values) - half + 1]
        start = int(np.argmin(widths))
        values = values[start : start + half]
    if len(values) == 3:
        low, high = values[1] - values[0], values[2] - values[1]
        if low != high:
            values = values[:2] if low < high else values[1:]
    return float(np.mean(values))


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
    centre = _start(difference)
    scale = error
    extra = max(_intrinsic_variance(difference - centre, error), 0.0)
    for _ in range(50):
        residual = difference - centre
        extra = max(_core_variance(residual, error, extra), 0.0)
        scale = np.sqrt(error**2 + extra + 1e-12)
        ratio = residual / (_TUKEY_C * scale)
        weight = np.where(np.abs(ratio) < 1, (1 - ratio**2) ** 2, 0.0) / scale**2
        if not weight.any():
            weight = 1 / scale**2
        moved = float(np.sum(weight * difference) / np.sum(weight))
        if abs(moved - centre) < 1e-7:
            centre = moved
            break
        centre = moved
    residual = difference - centre
    ratio = residual / (_TUKEY_C * scale)
    scatter = _MAD_TO_SIGMA * float(np.median(np.abs(residual)))
    return ZeroPointFit(
        value=centre,
        error=_error(residual, ratio, scale),
        scatter=scatter,
        intrinsic_variance=_intrinsic_variance(residual, error),
        outlier_fraction=float(np.mean(np.abs(ratio) >= 1)),
        used=np.abs(ratio) < 1,
    )


def _intrinsic_variance(residual: FloatArray, error: FloatArray) -> float:
    """Variance beyond the errors that makes the normalised MAD one [mag^2].

    Each residual is held against its own error, so that faint stars do not pass for
    scatter. All stars count: two heaps of stars are a large scatter. Negative where
    the residuals are smaller than their errors.
    """

    def step(extra: float) -> float:
        total = error**2 + extra
        ratio = _MAD_TO_SIGMA**2 * float(np.median(residual**2 / total))
        return extra + (ratio - 1) * float(np.median(total))

    extra = max(step(0.0), 0.0)
    for _ in range(30):
        following = step(extra)
        if following <= 0:
            return min(step(0.0), 0.0)
        if abs(following - extra) < 1e-4 * extra + 1e-12:
            break
        extra = following
    return extra


def _core_variance(residual: FloatArray, error: FloatArray, extra: float) -> float:
    """One step towards the intrinsic variance of the stars that agree [mag^2].

    Only stars within 2.5 sigma of the centre count, so that the wings of wrong stars
    shrink away from step to step.
    """
    total = error**2 + extra + 1e-12
    square = residual**2 / total
    core = square < _CORE_SIGMA**2
    if core.sum() < FEWEST_STARS:
        return extra
    ratio = float(np.median(square[core])) / _CORE_MEDIAN**2
    return extra + (ratio - 1) * float(np.median(total[core]))


def _start(difference: FloatArray) -> float:
    """Half-sample mode, smoothed by the median of the stars close to it."""
    mode = half_sample_mode(difference)
    distance = np.abs(difference - mode)
    width = float(np.quantile(distance, 0.4))
    return float(np.median(difference[distance <= max(width, 1e-6)]))


def _error(residual: FloatArray, ratio: FloatArray, scale: FloatArray) -> float:
    """Sandwich error of an M estimate (Huber 1981, 6.3), PSF term in quadrature."""
    inside = np.abs(ratio) < 1
    psi = np.where(inside, residual * (1 - ratio**2) ** 2, 0.0) / scale**2
    slope = np.where(inside, (1 - ratio**2) * (1 - 5 * ratio**2), 0.0) / scale**2
    count = max(int(inside.sum()), 2)
    total = abs(float(np.sum(slope)))
    formal = np.sqrt(1 / np.sum(np.where(inside, 1 / scale**2, 0.0)) + 1e-12)
    if total > 0:
        sandwich = np.sqrt(np.sum(psi**2) * count / (count - 1)) / total
        formal = max(formal, sandwich)
    return float(np.hypot(formal, PSF_NORMALISATION_MAG))
