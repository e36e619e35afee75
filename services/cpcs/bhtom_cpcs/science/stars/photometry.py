"""Aperture photometry with a local sky, and its errors measured in the frame."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sep
from scipy.spatial import cKDTree

from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.detection import Sources

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# 1.0 FWHM is 1.11 x the Cramer-Rao bound, and safe below 3 px FWHM where the optimal
# 0.68 FWHM is not: there the light lost depends on where in its pixel the star falls.
_APERTURE_FWHM = 1.0
_SMALLEST_APERTURE_PX = 2.0
_TOTAL_FWHM = 3.0
_ANNULUS_FWHM = 4.0
_ANNULUS_PX = 400
_CHUNK = 4096
_EMPTY_APERTURES = 1500
_FEWEST_EMPTY = 60
_STARS_FOR_GROWTH = 60


@dataclass(frozen=True, slots=True)
class Aperture:
    """One estimator for target and comparison stars alike: radii [px]."""

    radius: float
    total_radius: float
    sky_inner: float
    sky_outer: float

    @property
    def area(self) -> float:
        """Pixels in the aperture."""
        return float(np.pi * self.radius**2)


@dataclass(frozen=True, slots=True)
class Fluxes:
    """Sky-subtracted aperture sums [ADU] and the local sky's level and rms a pixel."""

    flux: FloatArray
    sky: FloatArray
    sky_rms: FloatArray
    complete: BoolArray  # no masked pixel, not over the edge


@dataclass(frozen=True, slots=True)
class SkyNoise:
    """Error of an empty aperture's sum [ADU] and whether it was measured."""

    error_adu: float
    measured: bool
    n_apertures: int


def aperture_for(fwhm_px: float) -> Aperture:
    """Return the radii that go with a seeing."""
    radius = max(_APERTURE_FWHM * fwhm_px, _SMALLEST_APERTURE_PX)
    inner = max(_ANNULUS_FWHM * fwhm_px, radius + 3.0)
    outer = float(np.sqrt(inner**2 + _ANNULUS_PX / np.pi))
    return Aperture(radius, max(_TOTAL_FWHM * fwhm_px, radius), inner, outer)


def measure(
    pixels: Image, mask: Mask | None, x: FloatArray, y: FloatArray, aperture: Aperture
) -> Fluxes:
    """Sum the light at fixed positions, minus the clipped median of an annulus.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    x, y : zero-based positions, shape (n,) [px]
    """
    total, _, flags = sep.sum_circle(pixels, x, y, aperture.radius, mask=mask, subpix=0)
    level, rms = local_sky(pixels, mask, x, y, aperture)
    bad = sep.APER_TRUNC | sep.APER_HASMASKED | sep.APER_ALLMASKED
    return Fluxes(
        flux=total - level * aperture.area,
        sky=level,
        sky_rms=rms,
        complete=(flags & bad) == 0,
    )


def local_sky(
    pixels: Image, mask: Mask | None, x: FloatArray, y: FloatArray, aperture: Aperture
) -> tuple[FloatArray, FloatArray]:
    """Clipped median and rms a pixel [ADU] of the annulus about each position."""
    reach = int(np.ceil(aperture.sky_outer))
    offset = np.arange(-reach, reach + 1)
    distance = np.hypot(offset[:, None], offset[None, :])
    rows, columns = np.nonzero(
        (distance >= aperture.sky_inner) & (distance <= aperture.sky_outer)
    )
    rows, columns = rows - reach, columns - reach
    height, width = pixels.shape
    level, rms = np.zeros(len(x)), np.zeros(len(x))
    for start in range(0, len(x), _CHUNK):
        part = np.s_[start : start + _CHUNK]
        row = np.rint(y[part]).astype(int)[:, None] + rows
        column = np.rint(x[part]).astype(int)[:, None] + columns
        outside = (row < 0) | (row >= height) | (column < 0) | (column >= width)
        np.clip(row, 0, height - 1, out=row)
        np.clip(column, 0, width - 1, out=column)
        values = pixels[row, column]
        if mask is not None:
            outside |= mask[row, column]
        if outside.any():
            values[outside] = np.nan
        level[part], rms[part] = _clipped_median(values)
    return level, rms


def _clipped_median(values: npt.NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    """Median and 1.4826 MAD of each row after one clip at 2.5 sigma; NaN are out.

    Sorting puts NaN last and makes what the clip leaves one stretch of the row, whose
    middle is the new median. A row of NaN gives zeros.
    """
    ordered = np.sort(values, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    centre = _middle(ordered, np.zeros_like(count), count)
    deviation = np.sort(np.abs(ordered - centre[:, None]), axis=1)
    spread = 1.4826 * _middle(deviation, np.zeros_like(count), count)
    with np.errstate(invalid="ignore"):
        first = (ordered < (centre - 2.5 * spread)[:, None]).sum(axis=1)
        last = (ordered <= (centre + 2.5 * spread)[:, None]).sum(axis=1)
    return _middle(ordered, first, last), spread


def _middle(
    ordered: npt.NDArray[np.float32],
    first: npt.NDArray[np.intp],
    last: npt.NDArray[np.intp],
) -> FloatArray:
    """Median of the elements [first, last) of each sorted row; 0 of none."""
    rows = np.arange(len(ordered))
    some = last > first
    low = np.where(some, (first + last - 1) // 2, 0)
    high = np.where(some, (first + last) // 2, 0)
    middle = 0.5 * (ordered[rows, low].astype(float) + ordered[rows, high])
    return np.where(some, middle, 0.0)


def sky_noise(
    pixels: Image,
    mask: Mask | None,
    sources: Sources,
    aperture: Aperture,
    rms: float,
) -> SkyNoise:
    """Measure the error of a sky-dominated aperture, correlated noise and all.

    The same estimator is applied where no source lies, at fixed pseudo-random places;
    the robust spread of the sums is the error. Too few free places: from the rms of a
    pixel, the noise of the local sky included.
    """
    height, width = pixels.shape
    edge = aperture.radius + 1
    formal = rms * np.sqrt(aperture.area * (1 + 1.6 * aperture.area / _ANNULUS_PX))
    if min(height, width) <= 2 * edge + 2:
        return SkyNoise(float(formal), False, 0)
    rng = np.random.default_rng(height * 100_003 + width)
    x = rng.uniform(edge, width - 1 - edge, 2 * _EMPTY_APERTURES)
    y = rng.uniform(edge, height - 1 - edge, 2 * _EMPTY_APERTURES)
    if len(sources):
        tree = cKDTree(np.stack([sources.x, sources.y], axis=1))
        reach = aperture.radius + 2 * aperture.total_radius / _TOTAL_FWHM
        distance, _ = tree.query(np.stack([x, y], axis=1), distance_upper_bound=reach)
        free = ~np.isfinite(distance)
        x, y = x[free], y[free]
    x, y = x[:_EMPTY_APERTURES], y[:_EMPTY_APERTURES]
    if len(x) < _FEWEST_EMPTY:
        return SkyNoise(float(formal), False, len(x))
    empty = measure(pixels, mask, x, y, aperture)
    sums = empty.flux[empty.complete]
    if len(sums) < _FEWEST_EMPTY:
        return SkyNoise(float(formal), False, len(sums))
    spread = 1.4826 * float(np.median(np.abs(sums - np.median(sums))))
    if spread <= 0:
        return SkyNoise(float(formal), False, len(sums))
    return SkyNoise(spread, True, len(sums))


def growth_correction(
    pixels: Image,
    mask: Mask | None,
    x: FloatArray,
    y: FloatArray,
    aperture: Aperture,
) -> float:
    """Ratio of a star's whole light to that in the aperture, from bright stars.

    It is common to all stars of the frame, so it moves fluxes and the zero point,
    never a magnitude. Positions: bright, clean stars, brightest first.
    """
    x, y = x[:_STARS_FOR_GROWTH], y[:_STARS_FOR_GROWTH]
    if len(x) < 3:
        return 1.0
    inner = measure(pixels, mask, x, y, aperture)
    total, _, _ = sep.sum_circle(
        pixels, x, y, aperture.total_radius, mask=mask, subpix=0
    )
    total = total - inner.sky * np.pi * aperture.total_radius**2
    good = (inner.flux > 0) & inner.complete
    if good.sum() < 3:
        return 1.0
    return float(np.clip(np.median(total[good] / inner.flux[good]), 1.0, 3.0))
