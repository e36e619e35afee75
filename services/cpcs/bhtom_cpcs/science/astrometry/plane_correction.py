"""The small correction between the header's tangent plane and the catalogue's."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

HIGHEST_ORDER = 4
_CLIP_SIGMA = 3.0
_FEWEST_FOR_LINEAR = 12
# Pairs that an order needs: some six for each of its coefficients.
_FEWEST_FOR_ORDER = {2: 36, 3: 60, 4: 90}
_MOST_ITERATIONS = 30
# Pairs that choose the order; more would not choose another one.
_ENOUGH_TO_CHOOSE = 800
_SMALLEST_SPREAD = 0.75
_MARGIN = 10.0


@dataclass(frozen=True, slots=True)
class PlaneCorrection:
    """Catalogue tangent-plane position from the header's: polynomials in both axes.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (n_terms, 2)
        Of the terms u^i v^j with i + j <= `order`, in the order of `_terms`, for
        east and north [arcsec]; (u, v) is the header's position over `unit_arcsec`.
    """

    order: int
    unit_arcsec: float
    coefficients: FloatArray

    @property
    def shift(self) -> FloatArray:
        """Catalogue minus header at the centre: east, north [arcsec]."""
        shift: FloatArray = self.coefficients[0]
        return shift

    def apply(self, plane: FloatArray) -> FloatArray:
        """Header to catalogue, shape (n, 2) [arcsec]."""
        east, north = np.zeros(len(plane)), np.zeros(len(plane))
        for term, (along, across) in zip(
            _terms(plane / self.unit_arcsec, self.order), self.coefficients, strict=True
        ):
            east += along * term
            north += across * term
        return np.column_stack([east, north])

    def undo(self, plane: FloatArray) -> FloatArray:
        """Catalogue to header, shape (n, 2) [arcsec], by iteration on the linear part.

        NaN where the iteration runs away, which no correction of a real frame does
        within it.
        """
        inverse = np.linalg.inv(self.coefficients[1:3].T / self.unit_arcsec).T
        header: FloatArray = (plane - self.shift) @ inverse
        if self.order == 1:
            return header
        for _ in range(_MOST_ITERATIONS):
            step = (plane - self.apply(header)) @ inverse
            header = header + step
            if not np.nanmax(np.abs(step), initial=0.0) > 1e-6:
                break
        return np.where(np.abs(step) < 1e-3, header, np.nan)


def shifted(east_arcsec: float, north_arcsec: float) -> PlaneCorrection:
    """Return the correction that is only a shift."""
    coefficients = np.array([[east_arcsec, north_arcsec], [1.0, 0.0], [0.0, 1.0]])
    return PlaneCorrection(1, 1.0, coefficients)


NO_CORRECTION = shifted(0.0, 0.0)


def fit_correction(
    header: FloatArray, catalogue: FloatArray, order: int, start: PlaneCorrection
) -> tuple[PlaneCorrection, BoolArray]:
    """Least-squares correction of matched positions, those beyond 3 sigma left out.

    Parameters
    ----------
    header, catalogue : ndarray, shape (n, 2)
        The same stars in both tangent planes [arcsec].
    order : int
        Of the polynomial; fewer than 12 pairs give a shift of `start` only.
    start : PlaneCorrection
        Returned when no three pairs agree.

    Returns
    -------
    correction, used : PlaneCorrection and ndarray of bool, shape (n,)
    """
    used = np.ones(len(header), dtype=bool)
    fitted = start
    for _ in range(4):
        fitted = _solve(header[used], catalogue[used], order, start)
        apart = np.hypot(*(catalogue - fitted.apply(header)).T)
        limit = _CLIP_SIGMA * 1.4826 * float(np.median(apart[used])) + 1e-6
        again = apart <= limit
        if again.sum() < 3:
            return start, used
        if (again == used).all():
            break
        used = again
    return fitted, used


def best_correction(
    header: FloatArray,
    catalogue: FloatArray,
    start: PlaneCorrection,
    *,
    highest: int = HIGHEST_ORDER,
) -> PlaneCorrection:
    """Take the order that the matches carry: enough, well spread, and a real gain.

    A higher order must lower the sum of squares on the same stars by more than the
    Bayesian information criterion asks for its coefficients (Schwarz 1978, Ann.
    Statist. 6, 461), with a margin.
    """
    step = max(len(header) // _ENOUGH_TO_CHOOSE, 1)
    order = _chosen_order(header[::step], catalogue[::step], start, highest)
    return fit_correction(header, catalogue, order, start)[0]


def _chosen_order(
    header: FloatArray, catalogue: FloatArray, start: PlaneCorrection, highest: int
) -> int:
    best, used = fit_correction(header, catalogue, 1, start)
    spread = _cells_occupied(header)
    for order in range(2, highest + 1):
        n_pairs = int(used.sum())
        if n_pairs < _FEWEST_FOR_ORDER[order] or spread < _SMALLEST_SPREAD:
            break
        if order == HIGHEST_ORDER and best.order < order - 1:
            break  # lenses bend by third orders before they do by fourth
        trial, trial_used = fit_correction(header, catalogue, order, best)
        both = used & trial_used
        gain = _sum_of_squares(header, catalogue, best, both) / max(
            _sum_of_squares(header, catalogue, trial, both), 1e-30
        )
        n_values = 2 * int(both.sum())
        n_more = len(trial.coefficients) - len(best.coefficients)
        if n_values * math.log(gain) > 2 * n_more * math.log(n_values) + _MARGIN:
            best, used = trial, trial_used
    return best.order


def _sum_of_squares(
    header: FloatArray, catalogue: FloatArray, fit: PlaneCorrection, used: BoolArray
) -> float:
    return float(np.sum((catalogue[used] - fit.apply(header[used])) ** 2))


def _cells_occupied(plane: FloatArray) -> float:
    """Share of the cells of a 4 x 4 grid over the stars that hold one."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    cell = np.minimum((plane - low) / np.maximum(high - low, 1e-9) * 4, 3).astype(int)
    return len(np.unique(cell[:, 0] * 4 + cell[:, 1])) / 16


def _terms(unit: FloatArray, order: int) -> list[FloatArray]:
    """The polynomial's terms: 1, u, v, u^2, u v, v^2, ..."""
    u, v = np.ascontiguousarray(unit[:, 0]), np.ascontiguousarray(unit[:, 1])
    row = [np.ones(len(u))]
    terms = list(row)
    for _ in range(order):
        row = [*[u * term for term in row], v * row[-1]]
        terms += row
    return terms


def _solve(
    header: FloatArray, catalogue: FloatArray, order: int, start: PlaneCorrection
) -> PlaneCorrection:
    """Solve the normal equations; a shift of the start when the pairs are few."""
    if len(header) < _FEWEST_FOR_LINEAR:
        return _moved(header, catalogue, start)
    unit = max(float(np.abs(header).max()), 1.0)
    terms = _terms(header / unit, order)
    # plain sums: the same bits whatever the number of threads
    normal = np.empty((len(terms), len(terms)))
    for row, one in enumerate(terms):
        for column, other in enumerate(terms[: row + 1]):
            normal[row, column] = normal[column, row] = np.sum(one * other)
    if np.linalg.cond(normal) > 1e11:
        return _moved(header, catalogue, start)
    axes = [np.ascontiguousarray(axis) for axis in catalogue.T]
    right = np.array([[np.sum(a * axis) for axis in axes] for a in terms])
    return PlaneCorrection(order, unit, np.linalg.solve(normal, right))


def _moved(
    header: FloatArray, catalogue: FloatArray, start: PlaneCorrection
) -> PlaneCorrection:
    coefficients = start.coefficients.copy()
    coefficients[0] += np.median(catalogue - start.apply(header), axis=0)
    return PlaneCorrection(start.order, start.unit_arcsec, coefficients)
