"""The sky under a star, from what is left around it when all stars are taken out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.fits_input import Image, Mask
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.psf_model import PsfModel

FloatArray = npt.NDArray[np.float64]

# So many times the pixels whose noise the flux carries: the level then adds 1.5 % to
# the error of a faint star.
_SKY_AREA = 30.0
_CHUNK_VALUES = 1_000_000
_CLIP = 3.0
# Mean of a normal distribution cut at 3 sigma: rms is 0.98656 of the whole one's.
_CLIPPED_RMS = 0.98656
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
    return inner, float(np.sqrt(inner**2 + _SKY_AREA * area / np.pi))


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
    level, error = np.zeros(len(x)), np.zeros(len(x))
    step = max(1, _CHUNK_VALUES // len(rows))
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        row = np.rint(y[part]).astype(np.int64)[:, None] + rows
        column = np.rint(x[part]).astype(np.int64)[:, None] + columns
        usable = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        np.clip(row, 0, height - 1, out=row)
        np.clip(column, 0, width - 1, out=column)
        if mask is not None:
            usable &= ~mask[row, column]
        level[part], error[part] = _clipped_mean(
            left_over[row, column], usable, noise.sky_rms_adu
        )
    return LocalSky(level, error * noise.correlation)


def _clipped_mean(
    values: npt.NDArray[np.float32], usable: npt.NDArray[np.bool_], rms: float
) -> tuple[FloatArray, FloatArray]:
    """Mean and its error of each row, values beyond 3 rms left out.

    About zero first, which is the sky nearly everywhere; rows that do not agree with
    that start at their median and take their own spread.
    """
    centre = np.zeros(len(values))
    spread = np.full(len(values), rms)
    count = np.maximum(usable.sum(axis=1), 1)
    kept = usable & (np.abs(values) < _CLIP * rms)
    odd = np.flatnonzero(kept.sum(axis=1) < _FEWEST_SHARE * count)
    if len(odd):
        own = np.where(usable[odd], values[odd], np.nan).astype(np.float64)
        some = np.flatnonzero(usable[odd].any(axis=1))
        centre[odd[some]] = np.nanmedian(own[some], axis=1)
        deviation = np.abs(own[some] - centre[odd[some], None])
        spread[odd[some]] = np.maximum(1.4826 * np.nanmedian(deviation, axis=1), rms)
    for _ in range(2):
        kept = usable & (
            np.abs(values - centre[:, None].astype(np.float32))
            < (_CLIP * spread)[:, None].astype(np.float32)
        )
        number = np.maximum(kept.sum(axis=1), 1)
        centre = np.sum(values * kept, axis=1, dtype=np.float64) / number
    enough = kept.sum(axis=1) >= _FEWEST_PX
    error = np.where(enough, spread / np.sqrt(number), 0.0)
    return np.where(enough, centre, 0.0), error
