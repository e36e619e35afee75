"""Where stars stop growing: saturation that no card and no pile-up of pixels tells."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image

FloatArray = npt.NDArray[np.float64]

_MOST_STARS, _FEWEST_ORDINARY = 80, 6
_BRIGHT_SIGMA = 40.0  # peak over the sky's noise: a shape is to be seen
_STAMP_FWHM, _SMALLEST_HALF_PX, _LARGEST_HALF_PX = 2.0, 5, 40
_HALF = 0.5  # of the peak
# A vignetted corner's ceiling stands so much above the middle's, once it is flattened.
_CEILINGS_ALIKE = 1.8
_ORDINARY, _MOST_ORDINARY = 1.2, 0.34  # stars that are brighter and yet whole
# One star alone must be plainly flatter, or far wider than a pair of stars can be; of
# several the doubtful ones count too.
_PLAIN_WIDER, _PLAIN_FLATTER, _PLAIN_SIGMA = 1.25, 0.05, 3.0
_MANY, _WIDER, _FLATTER, _FAR_WIDER = 3, 1.5, 0.02, 2.5
_EDGE = 0.97


def flat_top_level(
    pixels: Image, x: FloatArray, y: FloatArray, fwhm_px: float, rms: float
) -> float | None:
    """Height at which the brightest stars are cut off; None where none is.

    A star at the detector's limit is wider at half its peak than the fainter stars of
    the same frame, and more of that is near the peak. Stars are compared with stars,
    so that neither a flat field, which lifts the ceiling in dim corners, nor a scale,
    nor a disc out of focus matters. A close pair is wider, but not flatter.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    x, y : positions of the sources, brightest first [px]
    fwhm_px : width of the stars, about [px]
    rms : of a pixel of the sky [ADU]
    """
    half = int(np.clip(_STAMP_FWHM * fwhm_px, _SMALLEST_HALF_PX, _LARGEST_HALF_PX))
    stars = _shapes(pixels, x, y, half, _BRIGHT_SIGMA * rms)
    if not len(stars):
        return None
    peak, wide, flatness = stars.T
    high = peak > peak.max() / _CEILINGS_ALIKE
    if np.count_nonzero(~high) < _FEWEST_ORDINARY:
        return None
    usual = float(np.median(flatness[~high]))
    spread = 1.4826 * float(np.median(np.abs(flatness[~high] - usual)))
    wider = wide / float(np.median(wide[~high]))
    flatter = flatness - usual
    doubtful = high & (wider > _WIDER) & (flatter > max(_FLATTER, spread))
    plainly = max(_PLAIN_FLATTER, _PLAIN_SIGMA * spread)
    flat = high & (wider > _PLAIN_WIDER) & (flatter > plainly)
    flat |= doubtful & (wider > _FAR_WIDER)
    if np.count_nonzero(doubtful) >= _MANY:
        flat |= doubtful
    if not flat.any():
        return None
    level = float(peak[flat].min())
    brighter = high & (wider < _ORDINARY) & (peak * wide > (peak * wide)[flat].min())
    if np.count_nonzero(brighter) > _MOST_ORDINARY * np.count_nonzero(flat):
        return None
    return _EDGE * level


def _shapes(
    pixels: Image, x: FloatArray, y: FloatArray, half: int, least: float
) -> FloatArray:
    """Peak, pixels above half of it, their mean as a part of it, shape (n, 3)."""
    rows: list[tuple[float, float, float]] = []
    for column, row in zip(np.rint(x).astype(int), np.rint(y).astype(int), strict=True):
        inside = half <= column < pixels.shape[1] - half
        if not (inside and half <= row < pixels.shape[0] - half):
            continue
        stamp = pixels[row - half : row + half + 1, column - half : column + half + 1]
        # the second highest: a cosmic ray's pixel is no peak
        peak = float(np.partition(stamp, -2, axis=None)[-2])
        if peak < least:
            continue
        core = np.minimum(stamp[stamp > _HALF * peak], peak)
        rows.append((peak, float(core.size), float(core.mean()) / peak))
        if len(rows) == _MOST_STARS:
            break
    return np.array(rows, dtype=np.float64).reshape(-1, 3)
