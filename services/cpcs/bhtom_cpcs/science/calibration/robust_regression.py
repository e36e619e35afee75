"""Linear regression that stands nearly half of the stars being wrong."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.order_statistics import median

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_FEWEST_IN_CORE = 5
MAD_TO_SIGMA = 1.4826
_TUKEY_C = 4.685
# Median of |z| of a normal distribution cut at 2.5 sigma.
_CORE_SIGMA, _CORE_MEDIAN = 2.5, 0.6648
_STARS_FOR_START = 600
_TINY_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Regression:
    """Coefficients of a linear model and how well it holds.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
    covariance : ndarray, shape (p, p), sandwich estimate (Huber 1981, 6.3)
    residual : ndarray, shape (n,), data minus model
    scale : ndarray, shape (n,), 1 sigma of each residual, intrinsic scatter included
    used : ndarray of bool, shape (n,), data with weight
    core_variance : intrinsic variance of the data that agree
    """

    coefficients: FloatArray
    covariance: FloatArray
    residual: FloatArray
    scale: FloatArray
    used: BoolArray
    core_variance: float

    @property
    def weight(self) -> FloatArray:
        """Weights of the data in the fit, shape (n,): biweight over variance."""
        return _biweight(self.residual / (_TUKEY_C * self.scale)) / self.scale**2


def robust_regression(
    columns: tuple[FloatArray, ...],
    values: FloatArray,
    errors: FloatArray,
    start: FloatArray,
) -> Regression:
    """Fit values = sum of coefficient x column with Tukey's biweight.

    The intrinsic scatter of the stars that agree is fitted with it. Sums are plain
    sums in the order of the data, so that every machine gives the same bits.

    Parameters
    ----------
    columns : p arrays of shape (n,)
    values, errors : shape (n,), 1 sigma errors, positive
    start : shape (p,), a robust first guess
    """
    found = np.array(start, dtype=float)
    residual = values - _model(columns, found)
    extra = max(intrinsic_variance(residual, errors), 0.0)
    scale = errors
    for _ in range(50):
        residual = values - _model(columns, found)
        extra = max(_core_variance(residual, errors, extra), 0.0)
        scale = np.sqrt(errors**2 + extra + _TINY_VARIANCE)
        ratio = residual / (_TUKEY_C * scale)
        weight = _biweight(ratio) / scale**2
        if not weight.any():
            weight = 1 / scale**2
        step = _solve(columns, weight, residual)
        found = found + step
        if np.all(np.abs(step) < 1e-7):
            break
    residual = values - _model(columns, found)
    ratio = residual / (_TUKEY_C * scale)
    return Regression(
        coefficients=found,
        covariance=_covariance(columns, residual, ratio, scale),
        residual=residual,
        scale=scale,
        used=np.abs(ratio) < 1,
        core_variance=extra,
    )


def robust_line(
    columns: tuple[FloatArray, ...],
    values: FloatArray,
    errors: FloatArray,
    slopes: FloatArray,
) -> Regression:
    """Fit a line whose slope is not known, from two starts.

    The first column is one, the second the line's abscissa. One start is the slope of
    the grid about which half of the stars lie closest together (Rousseeuw 1984), the
    other no slope; the fit with less scatter among all stars stays.

    Parameters
    ----------
    columns : the constant, the abscissa and what else is fitted, shape (n,) each
    slopes : shape (m,), slopes to begin from
    """
    best = np.argsort(errors, kind="stable")[:_STARS_FOR_START]
    abscissa, ordinate = columns[1][best], values[best]
    half = len(best) // 2 + 1
    sorted_ = np.sort(ordinate - slopes[:, None] * abscissa, axis=1)
    widths = sorted_[:, half - 1 :] - sorted_[:, : sorted_.shape[1] - half + 1]
    steepest = float(slopes[int(np.argmin(widths.min(axis=1)))])
    fits = []
    for slope in (0.0, steepest):
        start = np.zeros(len(columns))
        start[:2] = start_of(values - slope * columns[1]), slope
        fits.append(robust_regression(columns, values, errors, start))
    return min(fits, key=lambda fit: float(np.median(np.abs(fit.residual) / errors)))


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


def start_of(values: FloatArray) -> float:
    """Half-sample mode, smoothed by the median of the stars close to it."""
    mode = half_sample_mode(values)
    distance = np.abs(values - mode)
    width = float(np.quantile(distance, 0.4))
    return float(np.median(values[distance <= max(width, 1e-6)]))


def intrinsic_variance(residual: FloatArray, error: FloatArray) -> float:
    """Variance beyond the errors that makes the normalised MAD one.

    Each residual is held against its own error, so that faint stars do not pass for
    scatter. All stars count: two heaps of stars are a large scatter. Negative where
    the residuals are smaller than their errors.
    """

    def step(extra: float) -> float:
        total = error**2 + extra
        ratio = MAD_TO_SIGMA**2 * median(residual**2 / total)
        return extra + (ratio - 1) * median(total)

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
    """One step towards the intrinsic variance of the stars that agree.

    Only stars within 2.5 sigma of the model count, so that the wings of wrong stars
    shrink away from step to step.
    """
    total = error**2 + extra + _TINY_VARIANCE
    square = residual**2 / total
    core = square < _CORE_SIGMA**2
    if core.sum() < _FEWEST_IN_CORE:
        return extra
    ratio = median(square[core]) / _CORE_MEDIAN**2
    return extra + (ratio - 1) * median(total[core])


def _biweight(ratio: FloatArray) -> FloatArray:
    return np.where(np.abs(ratio) < 1, (1 - ratio**2) ** 2, 0.0)


def _model(columns: tuple[FloatArray, ...], coefficients: FloatArray) -> FloatArray:
    total = np.zeros(len(columns[0]))
    for column, coefficient in zip(columns, coefficients, strict=True):
        total += coefficient * column
    return total


def _solve(
    columns: tuple[FloatArray, ...], weight: FloatArray, values: FloatArray
) -> FloatArray:
    """Weighted least squares; the least step where columns depend on each other."""
    normal = np.array([[np.sum(weight * a * b) for b in columns] for a in columns])
    right = np.array([np.sum(weight * a * values) for a in columns])
    if len(columns) == 1:
        return np.asarray(right / normal[0, 0])
    step: FloatArray = np.linalg.lstsq(normal, right, rcond=1e-10)[0]
    return step


def _covariance(
    columns: tuple[FloatArray, ...],
    residual: FloatArray,
    ratio: FloatArray,
    scale: FloatArray,
) -> FloatArray:
    """Sandwich covariance, never below that of the stars' own errors."""
    inside = np.abs(ratio) < 1
    psi = np.where(inside, residual * (1 - ratio**2) ** 2, 0.0) / scale**2
    slope = np.where(inside, (1 - ratio**2) * (1 - 5 * ratio**2), 0.0) / scale**2
    weight = np.where(inside, 1 / scale**2, 0.0)
    count, terms = max(int(inside.sum()), 2), len(columns)

    def normal(w: FloatArray) -> FloatArray:
        return np.array([[np.sum(w * a * b) for b in columns] for a in columns])

    formal = np.asarray(np.linalg.pinv(normal(weight), hermitian=True))
    if abs(float(np.sum(slope))) > 0:
        bread = np.linalg.pinv(normal(slope), hermitian=True)
        meat = normal(psi**2) * count / max(count - terms, 1)
        sandwich = bread @ meat @ bread
        gain = float(np.max(np.diag(sandwich) / np.maximum(np.diag(formal), 1e-30)))
        if gain > 1:
            return np.asarray(sandwich)
    return formal
