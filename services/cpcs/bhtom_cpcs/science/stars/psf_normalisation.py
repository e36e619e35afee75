"""What a fitted PSF flux misses of a star's light, and on what that depends."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


_SCATTERS_MAG: Final = np.geomspace(0.0005, 0.1, 47)
# What the PSF's normalisation varies by where too few stars can tell: 2 to 6 mmag on
# injected stars.
UNKNOWN_SCATTER_MAG: Final = 0.004
# And where no star told the PSF: its width is a guess, which fluxes of stars of other
# places and brightness follow by a few hundredths.
GUESSED_SCATTER_MAG: Final = 0.05
_FEWEST_TO_TELL, _FEWEST_STARS = 5, 12  # a scatter; slopes
# By so much a term must raise the logarithm of the likelihood for each of its numbers:
# a frame in 500 of lone stars shows one by chance, one in 50 where a third are pairs.
_GAIN_A_NUMBER: Final = 5.0
_TUKEY: Final = 4.685
# Deviations beyond 3 sigma count as 3; a Gaussian's mean square is then so much.
_FAR, _MEAN_SQUARE = 9.0, 0.995
_STEPS, _NARROWING_STEPS = 24, 12
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
    like: BoolArray,
    frame: tuple[int, ...],
) -> PsfNormalisation:
    """Fit how aperture over PSF fluxes change with flux and place, where they do.

    Every star tells of the terms, but those that have a neighbour's light in their
    aperture are no more than so many outliers (Tukey's biweight, narrowed from wide so
    that it needs no start); the scatter is that of the stars whose shape is alike.

    Parameters
    ----------
    x, y, flux : of the PSF's stars, shape (n,) [px, ADU]
    ratio, noise : aperture over PSF flux minus 1, and its 1 sigma error by the pixels'
        noise
    like : which have the shape that most have
    frame : height and width [px]
    """
    missed, error = MAG_PER_RELATIVE * ratio, MAG_PER_RELATIVE * noise
    where = PsfNormalisation(
        brightest_adu=max(float(np.max(flux, initial=0.0)), 1e-30),
        centre_px=((frame[1] - 1) / 2, (frame[0] - 1) / 2),
        scale_px=max(frame) / 2,
    )
    if np.sum(like) < _FEWEST_TO_TELL:
        return where
    columns = _terms(where, x, y, flux)
    best = _robust((), columns, missed, error, like)
    least = best.loss
    for chosen in (_FLUX, _PLACE, _FLUX + _PLACE):
        if np.sum(like) < _FEWEST_STARS:
            break
        tried = _robust(chosen, columns, missed, error, like)
        if tried.loss + _GAIN_A_NUMBER * len(chosen) < least:
            best, least = tried, tried.loss + _GAIN_A_NUMBER * len(chosen)
    return replace(
        where,
        scatter_mag=best.scatter,
        flux_slope=float(best.slopes[0]),
        place_slopes=(float(best.slopes[1]), float(best.slopes[2])),
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Slopes of the columns (0 of those left out), the scatter [mag], minus ln L."""

    slopes: FloatArray
    scatter: float
    loss: float


def _robust(
    chosen: tuple[int, ...],
    columns: tuple[FloatArray, ...],
    missed: FloatArray,
    error: FloatArray,
    like: BoolArray,
) -> _Fitted:
    """Fit some columns and a constant, weights, slopes and scatter in turn."""
    basis = [np.ones_like(missed), *(columns[number] for number in chosen)]
    scatter = float(_SCATTERS_MAG[-1])
    factors = np.zeros(len(basis))
    factors[0] = np.median(missed)
    left = missed - factors[0]
    for step in range(_STEPS):
        sigma = np.hypot(error, scatter)
        weight = np.maximum(1 - (left / sigma / _TUKEY) ** 2, 0.0) ** 2 / sigma**2
        matrix = np.array([[np.sum(a * b * weight) for b in basis] for a in basis])
        matrix[np.diag_indices(len(basis))] *= 1 + 1e-9
        right = np.array([np.sum(a * missed * weight) for a in basis])
        if not np.all(np.diag(matrix) > 0):
            break
        factors = np.linalg.solve(matrix, right)
        left = missed.copy()
        for factor, column in zip(factors, basis, strict=True):
            left -= factor * column
        found = _scatter(left[like], error[like])
        scatter = max(found, scatter / 1.5) if step < _NARROWING_STEPS else found
    sigma = np.hypot(error, scatter)
    slopes = np.zeros(len(columns))
    slopes[list(chosen)] = factors[1:]
    near = np.minimum((left / sigma / _TUKEY) ** 2, 1.0)
    loss = np.sum(np.log(sigma) + _TUKEY**2 / 6 * (1 - (1 - near) ** 3))
    return _Fitted(slopes, scatter, float(loss))


def _scatter(left: FloatArray, error: FloatArray) -> float:
    """Scatter beyond the errors that makes their mean squares 1, of those there are.

    Each star counts by what it can tell (the derivative of the likelihood), the far
    ones no more than 3 sigma.
    """
    variance = error**2 + _SCATTERS_MAG[:, None] ** 2
    square = np.minimum(left**2 / variance, _FAR) / _MEAN_SQUARE
    too_small = np.flatnonzero(np.sum((square - 1) / variance, axis=1) > 0)
    last = too_small[-1] + 1 if len(too_small) else 0
    return float(_SCATTERS_MAG[min(last, len(_SCATTERS_MAG) - 1)])


def _terms(
    where: PsfNormalisation, x: FloatArray, y: FloatArray, flux: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    share: FloatArray = np.clip(flux / where.brightest_adu, 0.0, 1.0)
    u = (x - where.centre_px[0]) / where.scale_px
    v = (y - where.centre_px[1]) / where.scale_px
    return share, u, v
