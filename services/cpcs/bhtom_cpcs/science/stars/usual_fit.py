"""How well a frame's stars are fitted, by their brightness: what is usual in it."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.psf_fluxes import PsfFluxes

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_SIGNAL_TO_NOISE, _ALONE = 10.0, 0.1
_QUIET, _FEWEST_QUIET = 0.9, 10
_TELLING, _FEWEST_TELLING = 0.97, 5
_LEAST_MODEL = 0.03
# The limit: 4 robust sigma of the 25 stars that are most alike in brightness, twice
# what is expected at least. One in 260 of the bench's good stars is beyond it.
_ALIKE, _SIGMA, _LEAST_FACTOR = 25, 4.0, 2.0
_FEWEST_ALIKE, _FACTOR_OF_FEW = 8, 4.0
# Stars whose cores tell, what no frame's cores are more alike than, and how far from
# the others one must be to be another form.
_CORE_SIGNAL_TO_NOISE, _FEWEST_CORES = 40.0, 5
_CORE_SPREAD: Final = 0.01


def _none() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, slots=True)
class FrameStars:
    """Stars of a frame that stand alone: places [px], light [ADU], sky [ADU/px].

    `every_x`, `every_y`, `every_flux` are all sources with a flux, those beside them
    too.
    """

    x: FloatArray
    y: FloatArray
    flux: FloatArray
    background: FloatArray
    every_x: FloatArray = field(default_factory=_none)
    every_y: FloatArray = field(default_factory=_none)
    every_flux: FloatArray = field(default_factory=_none)

    def alike(self, flux: float, count: int) -> npt.NDArray[np.intp]:
        """Indices of the stars nearest in brightness to a flux above 0."""
        order = np.argsort(np.abs(np.log(self.flux / flux)), kind="stable")
        return order[:count]


NO_FRAME_STARS: Final = FrameStars(*(np.zeros(0) for _ in range(4)))


@dataclass(frozen=True, slots=True)
class UsualFit:
    """What the model of the PSF leaves of a frame's own stars.

    Attributes
    ----------
    by_noise, by_model : reduced chi-square of a star that is all noise, and of one so
        bright that only the model counts; between them it goes with `noise_share`
    noise_share, excess : of the stars, sorted by the first: ln of their chi-square over
        the expected
    core, core_spread : median of the bright stars' cores (see `FitQuality`) and their
        1 sigma spread beyond the noise; NaN where too few stars tell
    stars : the stars that told
    """

    by_noise: float
    by_model: float
    noise_share: FloatArray
    excess: FloatArray
    core: float
    core_spread: float
    stars: FrameStars

    def expected(self, noise_share: FloatArray | float) -> FloatArray:
        """Reduced chi-square of a star by the part that noise has in its pixels."""
        share = np.asarray(noise_share, dtype=np.float64)
        chi2: FloatArray = share * self.by_noise + (1 - share) * self.by_model
        return chi2

    def limit(self, noise_share: FloatArray | float) -> FloatArray:
        """Reduced chi-square above which a fit is poor for this frame, shape (n,)."""
        share = np.atleast_1d(np.asarray(noise_share, dtype=np.float64))
        expected = self.expected(share)
        if len(self.excess) < _FEWEST_ALIKE:
            return expected * _FACTOR_OF_FEW
        first = np.searchsorted(self.noise_share, share) - _ALIKE // 2
        first = np.clip(first, 0, max(len(self.excess) - _ALIKE, 0))
        alike = self.excess[first[:, None] + np.arange(min(_ALIKE, len(self.excess)))]
        middle = np.median(alike, axis=1)
        spread = 1.4826 * np.median(np.abs(alike - middle[:, None]), axis=1)
        above = np.maximum(_SIGMA * spread, np.log(_LEAST_FACTOR))
        limit: FloatArray = expected * np.exp(np.maximum(middle, 0.0) + above)
        return limit

    def is_poor(self, chi2: FloatArray, noise_share: FloatArray) -> BoolArray:
        """Say whose fit is worse than this frame's stars of that brightness have."""
        poor: BoolArray = ~(chi2 <= self.limit(noise_share))
        return poor

    def missing_core(
        self, core: FloatArray | float, error: FloatArray | float
    ) -> FloatArray:
        """By how many sigma a core is fainter than the frame's; NaN where unknown."""
        sigma: FloatArray = (self.core - np.asarray(core)) / np.hypot(
            self.core_spread, error
        )
        return sigma


def usual_fit(
    fluxes: PsfFluxes, whole: BoolArray, x: FloatArray, y: FloatArray
) -> UsualFit:
    """Learn from a frame's stars how well they are fitted.

    The chi-square of a star whose pixels' errors are by a part `a` noise and else what
    the model is wrong by is a * by_noise + (1 - a) * by_model, medians of the stars;
    so a star brighter than all others has its expectation too.

    Parameters
    ----------
    fluxes : of all sources of the frame
    whole : which of them are neither saturated nor cut off, shape (n,)
    x, y : their places [px]
    """
    with np.errstate(invalid="ignore"):
        good = whole & fluxes.complete & (fluxes.chi2 > 0)
        good &= fluxes.flux > _SIGNAL_TO_NOISE * fluxes.error
        good &= np.abs(fluxes.neighbour_flux) < _ALONE * fluxes.flux
    chi2, share = fluxes.chi2[good], fluxes.noise_share[good]
    quiet, telling = share > _QUIET, share < _TELLING
    by_noise = by_model = 1.0
    if quiet.sum() >= _FEWEST_QUIET:
        by_noise = float(np.median(chi2[quiet]))
    if telling.sum() >= _FEWEST_TELLING:
        part = 1 - share[telling]
        each = (chi2[telling] - by_noise * share[telling]) / part
        by_model = max(weighted_median(each, part), _LEAST_MODEL)
    order = np.argsort(share, kind="stable")
    excess = np.log(chi2 / (share * by_noise + (1 - share) * by_model))
    bright = good & (fluxes.flux > _CORE_SIGNAL_TO_NOISE * fluxes.error)
    core, spread = _usual_core(fluxes.core[bright], fluxes.core_error[bright])
    known = np.isfinite(fluxes.flux)
    stars = FrameStars(
        x[good],
        y[good],
        fluxes.flux[good],
        fluxes.background[good],
        x[known],
        y[known],
        fluxes.flux[known],
    )
    return UsualFit(
        by_noise, by_model, share[order], excess[order], core, spread, stars
    )


def _usual_core(core: FloatArray, error: FloatArray) -> tuple[float, float]:
    """Median of the cores, and their spread beyond their errors."""
    if len(core) < _FEWEST_CORES:
        return float("nan"), float("nan")
    weight = 1 / (error**2 + _CORE_SPREAD**2)
    middle = weighted_median(core, weight)
    spread = 1.4826 * weighted_median(np.abs(core - middle), weight)
    square = spread**2 - weighted_median(error**2, weight)
    return middle, float(np.sqrt(max(square, _CORE_SPREAD**2)))


def weighted_median(values: FloatArray, weight: FloatArray) -> float:
    """Lowest value at which half of the weight is reached."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, 0.5 * reached[-1])])
