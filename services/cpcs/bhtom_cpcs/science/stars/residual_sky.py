"""The sky under a star, from what is left around it when all stars are taken out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.psf_model import PsfModel

FloatArray = npt.NDArray[np.float64]

# So many times the pixels whose noise the flux carries: the level then adds 2.5 % to
# the error of a faint star.
_SKY_AREA = 20.0
_CHUNK_VALUES = 64_000  # what stays in the processor's cache
_CLIP = 3.0
_FEWEST_SHARE = 0.7
_FEWEST_PX = 12


@dataclass(frozen=True, slots=True)
class LocalSky:
    """Level above the subtracted background and its 1 sigma error [ADU/px], (n,)."""

    level: FloatArray
    error: FloatArray


def annulus_radii(psf: PsfModel) -> tuple[float, float]:
    """Inner and outer radius of the sky's annulus [px]."""
    inner = psf.fit_radius_px + 1.0
    area = float(psf.noise_area_px(np.zeros(1), np.zeros(1))[0])
    outer = float(np.sqrt(inner**2 + _SKY_AREA * area / np.pi))
    return inner, max(outer, inner + 1.5)  # at least one pixel wide all round


def residual_sky(
    left_over: Image,
    mask: Mask | None,
    x: FloatArray,
    y: FloatArray,
    psf: PsfModel,
    noise: PixelNoise,
) -> LocalSky:
    """Clipped mean of the annulus about each position, on the star-free image."""
    inner, outer = annulus_radii(psf)
    reach = int(np.ceil(outer))
    offset = np.arange(-reach, reach + 1)
    distance = np.hypot(offset[:, None], offset[None, :])
    rows, columns = np.nonzero((distance >= inner) & (distance <= outer))
    rows, columns = rows - reach, columns - reach
    height, width = left_over.shape
    flat, flat_mask = left_over.ravel(), None if mask is None else mask.ravel()
    steps = rows * width + columns
    row, column = np.rint(y).astype(np.int64), np.rint(x).astype(np.int64)
    whole = (row >= reach) & (row < height - reach)
    whole &= (column >= reach) & (column < width - reach)
    level, error = np.zeros(len(x)), np.zeros(len(x))
    count = max(1, _CHUNK_VALUES // len(rows))
    for kind in (True, False):
        chosen = np.flatnonzero(whole == kind)
        for start in range(0, len(chosen), count):
            part = chosen[start : start + count]
            index = (row[part] * width + column[part])[:, None] + steps
            usable = None
            if not kind:
                there_y, there_x = row[part][:, None] + rows, column[part][:, None]
                there_x = there_x + columns
                usable = (there_y >= 0) & (there_y < height)
                usable &= (there_x >= 0) & (there_x < width)
                index = np.where(usable, index, 0)
            if flat_mask is not None:
                unmasked = ~flat_mask[index]
                usable = unmasked if usable is None else usable & unmasked
            values = flat.take(index)
            if usable is not None:
                values[~usable] = np.nan
            level[part], error[part] = _clipped_mean(values, noise.sky_rms_adu)
    return LocalSky(level, error * noise.correlation)


def _clipped_mean(
    values: npt.NDArray[np.float32], rms: float
) -> tuple[FloatArray, FloatArray]:
    """Mean and its error of each row, values beyond 3 rms and NaN left out.

    About zero first, which is the sky nearly everywhere; rows that do not agree with
    that start at their median and take their own spread.
    """
    centre, number = _mean_within(values, np.zeros(len(values)), _CLIP * rms)
    spread = np.full(len(values), rms)
    odd = np.flatnonzero(number < _FEWEST_SHARE * values.shape[1])
    if len(odd):
        centre[odd], spread[odd] = _median_and_spread(values[odd], rms)
        some = values[odd]
        centre[odd], number[odd] = _mean_within(some, centre[odd], _CLIP * spread[odd])
    centre, number = _mean_within(values, centre, _CLIP * spread)
    enough = number >= _FEWEST_PX
    error = np.where(enough, spread / np.sqrt(np.maximum(number, 1)), 0.0)
    return np.where(enough, centre, 0.0), error


def _mean_within(
    values: npt.NDArray[np.float32], centre: FloatArray, width: FloatArray | float
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Mean and number of each row's values within a width of its centre."""
    low = np.asarray(centre - width, dtype=np.float32)[:, None]
    high = np.asarray(centre + width, dtype=np.float32)[:, None]
    kept = (values > low) & (values < high)
    number = np.count_nonzero(kept, axis=1)
    total = np.sum(np.where(kept, values, np.float32(0)), axis=1, dtype=np.float64)
    return total / np.maximum(number, 1), number.astype(np.int64)


def _median_and_spread(
    values: npt.NDArray[np.float32], rms: float
) -> tuple[FloatArray, FloatArray]:
    """Median and 1.4826 MAD of each row, the latter at least `rms`."""
    centre, spread = np.zeros(len(values)), np.full(len(values), rms)
    some = np.flatnonzero(np.isfinite(values).any(axis=1))
    own = values[some].astype(np.float64)
    centre[some] = np.nanmedian(own, axis=1)
    deviation = np.abs(own - centre[some, None])
    spread[some] = np.maximum(1.4826 * np.nanmedian(deviation, axis=1), rms)
    return centre, spread
