"""The width of the stars before any of them is fitted, to detect with."""

from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.detection import FWHM_PER_SIGMA, Sources, detect
from bhtom_cpcs.science.stars.stamps import cut_out, dot, places

FloatArray = npt.NDArray[np.float64]

_CROP_PX: Final = 1024
_SIGMA: Final = 12.0
_DEFAULT_FWHM_PX: Final = 3.0
# Pixels alone make the sharpest star wider than the first: narrower are hits of
# particles and hot pixels.
_SMALLEST_FWHM_PX, _LARGEST_FWHM_PX = 1.2, 60.0
_FEWEST_STARS, _MOST_STARS = 3, 100
_STAMP_SIGMA, _SMALLEST_HALF_PX, _LARGEST_HALF_PX = 3.0, 4, 60
_MOST_VALUES: Final = 500_000
_TURNS: Final = 6
# The Gaussian that resembles a star most finds it best when it is alone. A tenth less
# loses 1 % of the signal to noise and tells a fifth more of close pairs apart; a Moffat
# star of exponent 3, 0.86 as wide as its Gaussian, is then right within 5 %.
_NARROWER: Final = 0.9
_LARGEST_STEP: Final = 4.0


def first_look(pixels: Image, mask: Mask | None, rms: float) -> float:
    """Measure the stars' FWHM [px] in the middle of an image.

    The median of the brighter half of the clean sources, each nearly as wide as the
    Gaussian that resembles it most; 3 px where fewer than three of them are stars.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    rms : of a pixel of the sky [ADU]
    """
    height, width = pixels.shape
    top = max((height - _CROP_PX) // 2, 0)
    left = max((width - _CROP_PX) // 2, 0)
    part = np.s_[top : top + _CROP_PX, left : left + _CROP_PX]
    crop = np.ascontiguousarray(pixels[part])
    crop_mask = None if mask is None else np.ascontiguousarray(mask[part])
    sources = detect(crop, crop_mask, rms, _DEFAULT_FWHM_PX, sigma=_SIGMA)
    clean = np.flatnonzero((sources.flags == 0) & (sources.b > 0.3))
    bright = clean[: max(2 * _FEWEST_STARS, len(clean) // 2)]
    some = bright[:: -(-max(len(bright), 1) // _MOST_STARS)]
    found = gaussian_widths(crop, sources.of(some))
    found = found[found > _SMALLEST_FWHM_PX]
    if len(found) < _FEWEST_STARS:
        return _DEFAULT_FWHM_PX
    return min(_NARROWER * float(np.median(found)), _LARGEST_FWHM_PX)


def gaussian_widths(pixels: Image, sources: Sources) -> FloatArray:
    """FWHM of the round Gaussians that resemble sources most.

    Second moments under a Gaussian weight that is made as wide as the source itself
    (adaptive moments, Bernstein & Jarvis 2002, AJ 123, 583, sect. 3): unlike moments
    above a threshold they see neither the detection's kernel nor the brightness.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    sources : their moments are where the search begins, at most 4 px^2 below them

    Returns
    -------
    shape (n,) [px]; sources too near to the image's edge are left out
    """
    if not len(sources):
        return np.empty(0)
    size = np.sqrt(sources.a * sources.b)
    half = int(np.ceil(_STAMP_SIGMA * float(np.median(size))))
    half = min(max(half, _SMALLEST_HALF_PX), _LARGEST_HALF_PX)
    at = places(sources.x, sources.y, half)
    height, width = pixels.shape
    inside = (at.column >= half) & (at.column < width - half)
    inside &= (at.row >= half) & (at.row < height - half)
    chosen = np.flatnonzero(inside)[: max(_MOST_VALUES // (2 * half + 1) ** 2, 3)]
    at, light = at.of(chosen), cut_out(at.of(chosen), pixels)
    offset = np.arange(-half, half + 1)
    x = offset + (at.column - sources.x[chosen])[:, None]
    y = offset + (at.row - sources.y[chosen])[:, None]
    distance = y[:, :, None] ** 2 + x[:, None, :] ** 2
    variance = np.maximum(size[chosen] ** 2 - 1.0, 1.0)
    for _ in range(_TURNS):
        weighed = light * np.exp(distance / (-2 * variance[:, None, None]))
        total = np.maximum(dot(weighed), np.finfo(float).tiny)
        moment = np.maximum(dot(weighed, distance) / (2 * total), 0.05)
        # a Gaussian's moment under a Gaussian weight: 1 / moment is the sum of both
        inverse = 1 / moment - 1 / variance
        step = np.maximum(inverse * variance, 1 / _LARGEST_STEP)
        variance = np.clip(variance / step, 0.05, half**2)
    return FWHM_PER_SIGMA * np.sqrt(variance)
