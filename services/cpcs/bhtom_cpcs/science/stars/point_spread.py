"""The width and shape of the stars, from a profile of the bright ones."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import sep
from scipy.optimize import least_squares

from bhtom_cpcs.science.frames.fits_input import Image, Mask
from bhtom_cpcs.science.stars.detection import Sources, detect, windowed_positions

FloatArray = npt.NDArray[np.float64]

_FIRST_LOOK_PX = 1024
_FIRST_LOOK_SIGMA = 12.0
_DEFAULT_FWHM_PX = 3.0
_STARS = 80
_SMALLEST_FWHM_PX, _LARGEST_FWHM_PX = 0.8, 60.0
_BIN_PX = 0.5


@dataclass(frozen=True, slots=True)
class PointSpread:
    """Full width at half maximum [px], ellipticity (1 - b/a), and stars behind it.

    The stars' image is a round Moffat profile of exponent `beta`.
    """

    fwhm_px: float
    ellipticity: float
    n_stars: int
    beta: float = 3.0

    def profile(self, radius: FloatArray) -> FloatArray:
        """Brightness at a distance from the centre [px], 1 in the centre."""
        alpha = self.fwhm_px / (2 * np.sqrt(2 ** (1 / self.beta) - 1))
        brightness: FloatArray = (1 + (radius / alpha) ** 2) ** -self.beta
        return brightness


def first_look(pixels: Image, mask: Mask | None, rms: float) -> float:
    """Guess the FWHM [px] from the middle of the image, to detect with."""
    height, width = pixels.shape
    top = max((height - _FIRST_LOOK_PX) // 2, 0)
    left = max((width - _FIRST_LOOK_PX) // 2, 0)
    part = np.s_[top : top + _FIRST_LOOK_PX, left : left + _FIRST_LOOK_PX]
    crop = np.ascontiguousarray(pixels[part])
    crop_mask = None if mask is None else np.ascontiguousarray(mask[part])
    sources = detect(crop, crop_mask, rms, _DEFAULT_FWHM_PX, sigma=_FIRST_LOOK_SIGMA)
    clean = (sources.flags == 0) & (sources.b > 0.3)
    if clean.sum() < 3:
        return _DEFAULT_FWHM_PX
    # moments above a threshold underestimate the width of faint stars: the bright half
    bright = np.flatnonzero(clean)[: max(3, int(clean.sum()) // 2)]
    width_px = 2.3548 * np.sqrt(sources.a[bright] * sources.b[bright])
    return float(np.clip(np.median(width_px), _SMALLEST_FWHM_PX, _LARGEST_FWHM_PX))


def measure_point_spread(
    pixels: Image,
    mask: Mask | None,
    sources: Sources,
    usable: npt.NDArray[np.bool_],
    guess_px: float,
) -> PointSpread:
    """Fit a round Moffat profile to the stacked bright, clean stars.

    Parameters
    ----------
    usable : which sources are unblended and unsaturated
    guess_px : FWHM to start from, also when no star is good enough
    """
    chosen = np.flatnonzero(usable)[:_STARS]
    half = int(np.clip(np.ceil(2.5 * guess_px), 4, 60))
    margin = half + 1 + np.ceil(0.5 * guess_px)  # a centroid may move by that much
    height, width = pixels.shape
    x, y = sources.x[chosen], sources.y[chosen]
    inside = (x >= margin) & (x < width - margin - 1)
    inside &= (y >= margin) & (y < height - margin - 1)
    chosen, x, y = chosen[inside], x[inside], y[inside]
    if len(chosen) < 3:
        return PointSpread(guess_px, _ellipticity(sources, usable), 0)
    x, y = windowed_positions(pixels, mask, x, y, guess_px)
    total, _, _ = sep.sum_circle(pixels, x, y, 1.5 * guess_px, mask=mask, subpix=0)
    radius, value = _stack(pixels, x, y, total, half)
    fwhm, beta = _fit_moffat(radius, value, guess_px)
    return PointSpread(fwhm, _ellipticity(sources, usable), len(chosen), beta)


def _stack(
    pixels: Image, x: FloatArray, y: FloatArray, total: FloatArray, half: int
) -> tuple[FloatArray, FloatArray]:
    """Median profile of stars normalised by their light, by radius bin."""
    offset = np.arange(-half, half + 1)
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    stamp = pixels[
        row[:, None, None] + offset[None, :, None],
        column[:, None, None] + offset[None, None, :],
    ].astype(float)
    dx = offset[None, None, :] + (column - x)[:, None, None]
    dy = offset[None, :, None] + (row - y)[:, None, None]
    radius = np.sqrt(dx**2 + dy**2).ravel()
    value = (stamp / np.maximum(total, 1e-9)[:, None, None]).ravel()
    number = (radius / _BIN_PX).astype(int)
    order = np.argsort(number, kind="stable")
    edges = np.searchsorted(number[order], np.arange(int(half / _BIN_PX) + 1))
    bins = [order[a:b] for a, b in pairwise(edges) if b > a]
    return (
        np.array([radius[members].mean() for members in bins]),
        np.array([np.median(value[members]) for members in bins]),
    )


def _fit_moffat(
    radius: FloatArray, value: FloatArray, guess_px: float
) -> tuple[float, float]:
    """Full width at half maximum and exponent of a Moffat profile."""

    def residual(parameters: FloatArray) -> FloatArray:
        peak, log_alpha, beta, base = parameters
        model = peak * (1 + (radius / np.exp(log_alpha)) ** 2) ** -beta + base
        # sqrt of the number of pixels in a ring
        weighted: FloatArray = (model - value) * np.sqrt(radius + 0.2)
        return weighted

    start = [max(float(value.max()), 1e-6), np.log(guess_px), 3.0, 0.0]
    low, high = [0.0, np.log(0.2), 1.5, -1.0], [np.inf, np.log(200.0), 12.0, 1.0]
    fitted = least_squares(
        residual, start, bounds=(low, high), x_scale=[start[0], 1, 1, start[0]]
    )
    _, log_alpha, beta, _ = fitted.x
    fwhm = 2 * np.exp(log_alpha) * np.sqrt(2 ** (1 / beta) - 1)
    if not np.isfinite(fwhm) or not 0.4 < fwhm / guess_px < 2.5:
        return guess_px, 3.0
    fwhm = float(np.clip(fwhm, _SMALLEST_FWHM_PX, _LARGEST_FWHM_PX))
    return fwhm, float(beta)


def _ellipticity(sources: Sources, usable: npt.NDArray[np.bool_]) -> float:
    chosen = np.flatnonzero(usable & (sources.a > 0))[:_STARS]
    if not len(chosen):
        return 0.0
    return float(np.median(1 - sources.b[chosen] / sources.a[chosen]))
