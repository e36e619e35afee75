"""How the point-spread function changes over a frame."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.effective_psf import EffectivePsf

FloatArray = npt.NDArray[np.float64]

# Stars that a polynomial of an order wants, so that it follows no single one.
_FEWEST_STARS = {1: 12, 2: 36}
# A higher order must foresee left-out stars better by this factor.
_BETTER = 0.93
_LARGEST_FACTOR = 0.3
_CLIP = 3.5


@dataclass(frozen=True, slots=True)
class PsfVariation:
    """Change of width and ellipticity with the place, a polynomial in x and y.

    `modes` are derivatives of a star's light by ln width and by both components of
    the ellipticity; `coefficients` has shape (n_modes, n_terms); `centre`, `scale`
    make x and y about -1 to 1 [px].
    """

    modes: tuple[EffectivePsf, ...]
    coefficients: FloatArray
    order: int
    centre: tuple[float, float]
    scale: float

    def factors(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """How much of each mode a star at a place has, shape (n, n_modes)."""
        terms = polynomial_terms(x, y, self.order, self.centre, self.scale)
        found = np.zeros((len(x), len(self.modes)))
        for number, row in enumerate(self.coefficients):
            for term, coefficient in enumerate(row):
                found[:, number] += coefficient * terms[:, term]
        limited: FloatArray = np.clip(found, -_LARGEST_FACTOR, _LARGEST_FACTOR)
        return limited


def polynomial_terms(
    x: FloatArray, y: FloatArray, order: int, centre: tuple[float, float], scale: float
) -> FloatArray:
    """Return 1, u, v, u^2, uv, v^2 up to the order, shape (n, n_terms)."""
    u, v = (x - centre[0]) / scale, (y - centre[1]) / scale
    terms = [np.ones_like(u)]
    if order > 0:
        terms += [u, v]
    if order > 1:
        terms += [u**2, u * v, v**2]
    found: FloatArray = np.stack(terms, axis=1)
    return found


def fit_variation(
    place: tuple[FloatArray, FloatArray],
    factors: FloatArray,
    errors: FloatArray,
    modes: tuple[EffectivePsf, ...],
    shape: tuple[int, ...],
) -> PsfVariation | None:
    """Fit single stars' factors by polynomials of the order that foresees them best.

    Parameters
    ----------
    place : x, y of the stars [px]
    factors, errors : of each star and mode, shape (n, n_modes)

    Returns
    -------
    PsfVariation or None
        None where the stars show no change over the frame.
    """
    centre = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    scale = max(shape) / 2
    kept = _consistent(factors, errors)
    best, best_miss = None, np.inf
    for order in (0, 1, 2):
        if kept.sum() < _FEWEST_STARS.get(order, 1):
            break
        terms = polynomial_terms(place[0], place[1], order, centre, scale)[kept]
        solved = [
            _least_squares(terms, factors[kept, mode], errors[kept, mode])
            for mode in range(len(modes))
        ]
        miss = sum(missed for _, missed in solved)
        if miss < _BETTER * best_miss or order == 0:
            best_miss = miss
            if order:
                coefficients = np.stack([found for found, _ in solved])
                best = PsfVariation(modes, coefficients, order, centre, scale)
    return best


def _consistent(factors: FloatArray, errors: FloatArray) -> npt.NDArray[np.bool_]:
    """Which stars are like the others: no blends, no hits."""
    middle = np.median(factors, axis=0)
    spread = 1.4826 * np.median(np.abs(factors - middle), axis=0)
    limit = _CLIP * np.hypot(spread, errors)
    kept: npt.NDArray[np.bool_] = np.all(np.abs(factors - middle) <= limit, axis=1)
    return kept


def _least_squares(
    terms: FloatArray, values: FloatArray, errors: FloatArray
) -> tuple[FloatArray, float]:
    """Coefficients, and the mean square by which left-out stars would be missed.

    Errors of the brightest stars are bounded: they do not know the PSF better than
    it is the same for all.
    """
    sigma = np.maximum(errors, np.median(errors))
    weighed = terms / sigma[:, None]
    matrix = np.einsum("ij,ik->jk", weighed, weighed)
    matrix[np.diag_indices(len(matrix))] *= 1 + 1e-9
    inverse = np.linalg.inv(matrix)
    right = np.einsum("ij,i->j", weighed, values / sigma)
    coefficients = np.einsum("jk,k->j", inverse, right)
    left = values / sigma - np.einsum("ij,j->i", weighed, coefficients)
    leverage = np.einsum("ij,jk,ik->i", weighed, inverse, weighed)
    missed = float(np.mean((left / np.maximum(1 - leverage, 0.05)) ** 2))
    return coefficients, missed
