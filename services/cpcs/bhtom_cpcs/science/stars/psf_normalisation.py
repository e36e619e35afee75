"""What a fitted PSF flux misses of a star's light, and on what that depends."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE

FloatArray = npt.NDArray[np.float64]


_SCATTER_MAG: Final = (0.0005, 0.1)
# What the PSF's normalisation varies by where too few stars can tell: 2 to 6 mmag on
# injected stars.
UNKNOWN_SCATTER_MAG: Final = 0.004
_FEWEST_STARS, _CLIP = 12, 4.0
# A term must lower chi-square by so much for each of its numbers, errors being as
# large as the stars' scatter: one frame in 500 shows one by chance.
_CHI2_A_NUMBER: Final = 10.0
_FLUX, _PLACE = (0,), (1, 2)  # columns of `_terms`


@dataclass(frozen=True, slots=True)
class PsfNormalisation:
    """Light in a large aperture over the PSF's flux, as far as stars differ in it.

    Attributes
    ----------
    scatter_mag : 1 sigma from star to star that neither noise nor the terms explain
        [mag]
    flux_slope : change from no light to the brightest star's [mag]; 0 where the stars
        show none. In flux, as a detector's brighter-fatter effect is
        (Antilogus et al. 2014, JINST 9, C03048)
    place_slopes : change along x and y for half the frame's longer side [mag]
    brightest_adu, centre_px, scale_px : where the terms are 1 and 0
    """

    scatter_mag: float = UNKNOWN_SCATTER_MAG
    flux_slope: float = 0.0
    place_slopes: tuple[float, float] = (0.0, 0.0)
    brightest_adu: float = 1.0
    centre_px: tuple[float, float] = (0.0, 0.0)
    scale_px: float = 1.0

    def missed_mag(
        self,
        x: FloatArray | float,
        y: FloatArray | float,
        flux: FloatArray | float,
        *,
        by_place: bool = True,
    ) -> FloatArray:
        """How much too faint the PSF's flux is, but for what is common [mag].

        Flux in ADU; beyond the brightest of the PSF's stars as there. `by_place` is
        False where a zero point follows the place by itself.
        """
        share, u, v = _terms(self, np.asarray(x), np.asarray(y), np.asarray(flux))
        missed: FloatArray = self.flux_slope * share
        if by_place:
            missed = missed + self.place_slopes[0] * u + self.place_slopes[1] * v
        return missed


def fit_normalisation(
    x: FloatArray,
    y: FloatArray,
    flux: FloatArray,
    ratio: FloatArray,
    noise: FloatArray,
    frame: tuple[int, ...],
) -> PsfNormalisation:
    """Fit how aperture over PSF fluxes change with flux and place, where they do.

    Parameters
    ----------
    x, y, flux : of the PSF's stars, shape (n,) [px, ADU]
    ratio, noise : aperture over PSF flux minus 1, and its 1 sigma error by the pixels'
        noise
    frame : height and width [px]
    """
    missed, error = MAG_PER_RELATIVE * ratio, MAG_PER_RELATIVE * noise
    where = PsfNormalisation(
        brightest_adu=max(float(np.max(flux)), 1e-30),
        centre_px=((frame[1] - 1) / 2, (frame[0] - 1) / 2),
        scale_px=max(frame) / 2,
    )
    kept = np.abs(missed - np.median(missed)) <= _CLIP * np.hypot(_mad(missed), error)
    columns = _terms(where, x[kept], y[kept], flux[kept])
    slopes, left = np.zeros(3), missed[kept]
    if len(left) >= _FEWEST_STARS:
        slopes, left = _justified(columns, left, error[kept])
    excess = _mad(left) ** 2 - float(np.median(error[kept] ** 2))
    return replace(
        where,
        scatter_mag=float(np.clip(np.sqrt(max(excess, 0.0)), *_SCATTER_MAG)),
        flux_slope=float(slopes[0]),
        place_slopes=(float(slopes[1]), float(slopes[2])),
    )


def _terms(
    where: PsfNormalisation, x: FloatArray, y: FloatArray, flux: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    share: FloatArray = np.clip(flux / where.brightest_adu, 0.0, 1.0)
    u = (x - where.centre_px[0]) / where.scale_px
    v = (y - where.centre_px[1]) / where.scale_px
    return share, u, v


def _justified(
    columns: tuple[FloatArray, ...], missed: FloatArray, error: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Slopes that the stars show, and what they leave [mag].

    The terms come one after the other, that which explains more first.
    """
    slopes, taken, left = np.zeros(len(columns)), list[int](), missed
    for _ in (_FLUX, _PLACE):
        best, best_gain = None, 1.0
        sigma = np.hypot(error, _excess(left, error))
        for group in (_FLUX, _PLACE):
            if group[0] in taken:
                continue
            tried = _slopes(columns, [*taken, *group], missed, sigma)
            gain = _chi2(left, sigma) - _chi2(_left(columns, tried, missed), sigma)
            gain /= _CHI2_A_NUMBER * len(group)
            if gain > best_gain:
                best, best_gain = (group, tried), gain
        if best is None:
            break
        taken, slopes = [*taken, *best[0]], best[1]
        left = _left(columns, slopes, missed)
    return slopes, left


def _slopes(
    columns: tuple[FloatArray, ...],
    chosen: list[int],
    missed: FloatArray,
    sigma: FloatArray,
) -> FloatArray:
    """Weighted least-squares slopes of some columns, a constant beside them."""
    basis = [np.ones_like(missed), *(columns[number] for number in chosen)]
    matrix = np.array([[np.sum(a * b / sigma**2) for b in basis] for a in basis])
    matrix[np.diag_indices(len(basis))] *= 1 + 1e-9
    right = np.array([np.sum(a * missed / sigma**2) for a in basis])
    found = np.zeros(len(columns))
    found[chosen] = np.linalg.solve(matrix, right)[1:]
    return found


def _left(
    columns: tuple[FloatArray, ...], slopes: FloatArray, missed: FloatArray
) -> FloatArray:
    left = missed.copy()
    for column, slope in zip(columns, slopes, strict=True):
        left -= slope * column
    return left


def _chi2(left: FloatArray, sigma: FloatArray) -> float:
    mean = np.sum(left / sigma**2) / np.sum(sigma**-2)
    return float(np.sum(((left - mean) / sigma) ** 2))


def _excess(left: FloatArray, error: FloatArray) -> float:
    """Scatter beyond the errors, at least what no star is better than [mag]."""
    square = _mad(left) ** 2 - float(np.median(error**2))
    return float(np.sqrt(max(square, _SCATTER_MAG[0] ** 2)))


def _mad(values: FloatArray) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
