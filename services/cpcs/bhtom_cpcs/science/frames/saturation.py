"""Where a detector stops counting: stated, or seen as a pile-up of pixels."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image, Plane
from bhtom_cpcs.science.frames.stated_limits import header_limit

FloatArray = npt.NDArray[np.float64]

_FEWEST_EQUAL = 6  # pixels within 0.1 % of the maximum: a ceiling, not a star's peak
_FEWEST_SMEARED = 25
_FEWEST_STEPS = 3  # of whole numbers within 5 % of the maximum
_EQUAL, _BELOW = 0.999, 0.95
_UPPER, _LOWER = 0.90, 0.75
# Between 0.75 and 1 of its peak a star of any width has 1.7 times as many pixels below
# 0.9 as above (2 pi sigma^2 ln of the levels' ratio); a pile-up turns that over.
_TURNED_OVER = 3.0
# Tops of 12, 14, 15 and 16 bit converters, after a dark was subtracted and a flat
# divided; 12 and 14 bit ones are often stored multiplied by 16 and by 4.
_CEILINGS = (4095.0, 16383.0, 32767.0, 65535.0)
_CEILING_RANGE = (0.72, 1.35)
_TOP_PX = 5


def saturation_level(
    plane: Plane, row_limit_adu: float | None
) -> tuple[float | None, float, bool]:
    """Saturation level [ADU of the plane's pixels] and the share of pixels there.

    Then whether the level was seen in the pixels, and not only stated.

    From the camera row, whose limit is given in the frame's values, else from the
    header; pixels that pile up lower down correct both. Call before the background is
    subtracted. Of values that are means the highest of the camera's pixels counts.
    """
    pixels, mask = plane.highest, plane.mask
    stated = header_limit(plane) if row_limit_adu is None else row_limit_adu
    level = None if stated is None else stated - plane.offset_adu
    seen = pile_up_level(pixels if mask is None else pixels[~mask], plane.offset_adu)
    is_seen = seen is not None and (level is None or seen < level)
    if is_seen:
        level = seen
    if level is None or float(pixels.max()) < level:
        return level, 0.0, is_seen
    return level, float(np.count_nonzero(pixels >= level)) / pixels.size, is_seen


def pile_up_level(pixels: Image, offset_adu: float = 0.0) -> float | None:
    """Lower edge of the pixels that pile up below the maximum; None without any.

    Either many share the maximum's value, or, where a dark and a flat have smeared
    the ceiling of the converter, more lie in the highest tenth than a star's shape
    allows.
    """
    if pixels.size <= _TOP_PX:
        return None
    maximum = float(pixels.max())
    if maximum <= 0:
        return None
    high = pixels[pixels > _LOWER * maximum].astype(np.float64)
    count = int(np.count_nonzero(high >= _EQUAL * maximum))
    below = int(np.count_nonzero(high >= _BELOW * maximum)) - count
    if count >= _FEWEST_EQUAL and count > below and not _counts_few(high, maximum):
        return _EQUAL * maximum
    if _is_full_scale(maximum + offset_adu):
        return _EQUAL * maximum
    return _smeared(pixels, high, offset_adu)


def _counts_few(high: FloatArray, maximum: float) -> bool:
    """Whether so few quanta are counted that the highest values fall together."""
    return maximum * (1 - _BELOW) < _FEWEST_STEPS and bool(np.all(high % 1 == 0))


def _smeared(pixels: Image, high: FloatArray, offset_adu: float) -> float | None:
    """Lower edge of a smeared pile-up, at a height where a converter may end."""
    # cosmic rays may stand far above all else: then look below them
    all_px = pixels.ravel() if high.size < _TOP_PX else high
    top = float(np.partition(all_px, all_px.size - _TOP_PX)[all_px.size - _TOP_PX])
    lowest, highest = _CEILING_RANGE
    if not any(lowest * end < top + offset_adu < highest * end for end in _CEILINGS):
        return None
    pile = pixels[pixels > _UPPER * top]
    slope = int(np.count_nonzero(pixels > _LOWER * top)) - pile.size
    if pile.size < _FEWEST_SMEARED:
        return None
    if pile.size < _TURNED_OVER * slope + 4 * np.sqrt(slope + 1):
        return None
    return float(np.percentile(pile, 5))


def _is_full_scale(top: float) -> bool:
    """Say whether a maximum is the top of a 12, 14, 15 or 16 bit converter."""
    scaled = (65520.0, 65532.0)
    return any(abs(top - end) < 1.5 for end in (*_CEILINGS, *scaled))
