"""What an analytic profile leaves of the stars, as a table that is added to it."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from bhtom_cpcs.science.stars.effective_psf import grid_offsets
from bhtom_cpcs.science.stars.psf_stars import PsfStars

FloatArray = npt.NDArray[np.float64]

_SMOOTH_FWHM, _SMOOTH_PX = 0.17, 0.35
_OUTLIER_SIGMA = 6.0
# Squares of signal to noise below this are what noise alone makes.
_NOISE = 2.0
# At the rim few pixels of few stars tell the residual, neighbours' light among them.
_RIM = 0.2


def residual_table(
    stars: PsfStars, left: FloatArray, oversampling: int, half: int, fwhm_px: float
) -> FloatArray:
    """Mean residual of the stars on the fine grid, zero where it is not significant.

    Every pixel of every star tells the residual at its offset from the star's centre
    (Anderson & King 2000). The smoothed mean is shrunk by its own signal to noise, so
    that few or faint stars add no noise of theirs.

    Parameters
    ----------
    left : what the profile leaves of the stars' stamps, shape (n, side, side) [ADU]

    Returns
    -------
    ndarray, shape as the square of `grid_offsets`
        In units of a star's whole light.
    """
    offsets = grid_offsets(oversampling, half)
    size, middle = len(offsets), len(offsets) // 2
    inner = np.arange(-stars.at.half, stars.at.half + 1)
    dx, dy = stars.offset
    column = np.rint((inner - dx[:, None]) * oversampling).astype(np.int64) + middle
    row = np.rint((inner - dy[:, None]) * oversampling).astype(np.int64) + middle
    place = row[:, :, None] * size + column[:, None, :]
    flux = stars.flux[:, None, None]
    weight = stars.weight * flux**2
    weight = np.where(left**2 * stars.weight < _OUTLIER_SIGMA**2, weight, 0.0)
    row_inside = (row >= 0) & (row < size)
    column_inside = (column >= 0) & (column < size)
    inside = row_inside[:, :, None] & column_inside[:, None, :]
    weight, place = np.where(inside, weight, 0.0), np.where(inside, place, 0)
    values = weight * left / flux
    total = np.bincount(place.ravel(), values.ravel(), size**2).reshape(size, size)
    known = np.bincount(place.ravel(), weight.ravel(), size**2).reshape(size, size)
    sigma = oversampling * max(_SMOOTH_FWHM * fwhm_px, _SMOOTH_PX)
    smooth = gaussian_filter(known, sigma, mode="constant")
    least = 1e-6 * float(smooth.max())
    safe = np.maximum(smooth, max(least, 1e-300))
    mean = gaussian_filter(total, sigma, mode="constant") / safe
    narrow = gaussian_filter(known, sigma / np.sqrt(2), mode="constant")
    variance = narrow / (4 * np.pi * sigma**2) / safe**2
    square = np.where(smooth > least, mean**2 / np.maximum(variance, 1e-300), 0.0)
    strength = gaussian_filter(square, 1.5 * sigma, mode="constant")
    shrink = np.clip(1 - _NOISE / np.maximum(strength, 1e-12), 0.0, 1.0)
    table: FloatArray = np.where(smooth > least, mean * shrink, 0.0)
    return table * _towards_rim(offsets, stars.at.half)


def _towards_rim(offsets: FloatArray, radius: float) -> FloatArray:
    """Factor that falls to zero at the edge of what the stars' stamps tell."""
    distance = np.hypot(offsets[:, None], offsets[None, :])
    factor: FloatArray = np.clip((radius - distance) / (_RIM * radius), 0.0, 1.0)
    return factor
