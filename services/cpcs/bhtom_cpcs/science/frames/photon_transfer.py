"""Gain from the frame itself: how the noise of the sky goes with its level."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.order_statistics import middle_of, percentile_of

FloatArray = npt.NDArray[np.float64]

_BOX_PX = 32
_BOXES_A_SIDE = 24
_FEWEST_BOXES = 30
_FEWEST_PX = 200
_STEP = 2  # pixels apart: neighbours are alike in resampled frames
_CLIP, _CLIP_TURNS, _CLIPPED_RMS = 3.0, 4, 0.98656
_RANGE = 0.15  # of the level: a sky as even as this tells no slope
_SURE = 8.0  # slope over its error


@dataclass(frozen=True, slots=True)
class SkyTransfer:
    """Noise of the sky over the frame.

    `level` [ADU] and `variance` [ADU^2] of a pixel are medians over boxes, the
    variance from differences of nearby pixels, so that no gradient counts as noise.
    `gain_e_per_adu` is the inverse slope of variance against level, free of any
    pedestal; None where the sky is too even to show it.
    """

    level: float
    variance: float
    gain_e_per_adu: float | None
    gain_error: float | None


def sky_transfer(pixels: Image, mask: Mask | None) -> SkyTransfer | None:
    """Measure level and variance of the sky in boxes over the frame.

    Variance is half the mean square of differences of pixels two apart in both axes,
    cut at 3 sigma, which leaves stars out. The slope is a straight line through boxes
    sorted into level groups (Janesick 2007, Photon Transfer, eq. 5.1: variance =
    read noise^2 + level / gain).

    Returns
    -------
    SkyTransfer or None
        None where too few pixels are unmasked.
    """
    levels, variances = _boxes(pixels, mask)
    if len(levels) < 4:
        return None
    level, variance = float(np.median(levels)), float(np.median(variances))
    if variance <= 0:
        return None
    gain, error = _slope(levels, variances)
    return SkyTransfer(level, variance, gain, error)


def _boxes(pixels: Image, mask: Mask | None) -> tuple[FloatArray, FloatArray]:
    """Level and variance of a pixel in boxes over the frame."""
    height, width = pixels.shape
    side = min(_BOX_PX, height, width)
    starts = [
        np.linspace(0, length - side, min(_BOXES_A_SIDE, max(length // side, 1)))
        for length in (height, width)
    ]
    levels, variances = [], []
    for row in starts[0].astype(int):
        for column in starts[1].astype(int):
            box = np.s_[row : row + side, column : column + side]
            piece = pixels[box].astype(np.float64)
            good = np.ones(piece.shape, bool) if mask is None else ~mask[box]
            if np.count_nonzero(good) < min(_FEWEST_PX, piece.size // 2):
                continue
            both = good[_STEP:, _STEP:] & good[:-_STEP, :-_STEP]
            difference = (piece[_STEP:, _STEP:] - piece[:-_STEP, :-_STEP])[both]
            if not len(difference):
                continue
            levels.append(_mode(piece[good]))
            variances.append(_clipped_square(difference) / 2)
    return np.array(levels), np.array(variances)


def _mode(values: FloatArray) -> float:
    """Level of the sky below the stars: median of the lower two thirds' spread."""
    values = np.sort(values)
    low, middle = percentile_of(values, 16), percentile_of(values, 50)
    near = values[np.abs(values - middle) <= 2.5 * max(middle - low, 1e-30)]
    return float(np.mean(near)) if len(near) else float(middle)


def _clipped_square(values: FloatArray) -> float:
    """Mean square of values about zero, cut at 3 sigma."""
    spread = np.sort(np.abs(values))
    sums = np.cumsum(spread**2)
    limit = _CLIP * 1.4826 * middle_of(spread)
    square = 0.0
    for _ in range(_CLIP_TURNS):
        count = int(np.searchsorted(spread, limit, side="right"))
        square = float(sums[count - 1]) / count / _CLIPPED_RMS**2 if count else 0.0
        limit = _CLIP * np.sqrt(square)
    return square


def _slope(
    levels: FloatArray, variances: FloatArray
) -> tuple[float | None, float | None]:
    """Inverse slope and its error, when the sky's range of levels carries it."""
    if len(levels) < _FEWEST_BOXES:
        return None, None
    low, high = np.percentile(levels, [5, 95])
    if high - low <= _RANGE * max(abs(high), abs(low)):
        return None, None
    kept = (levels >= low) & (levels <= high)
    for _ in range(_CLIP_TURNS):
        x, y = levels[kept], variances[kept]
        centre = x.mean()
        spread = float(np.sum((x - centre) ** 2))
        slope = float(np.sum((x - centre) * (y - y.mean()))) / spread
        residual = variances - y.mean() - slope * (levels - centre)
        scatter = 1.4826 * float(np.median(np.abs(residual[kept])))
        fewer = kept & (np.abs(residual) < _CLIP * scatter)
        if fewer.sum() < _FEWEST_BOXES // 2 or fewer.sum() == kept.sum():
            break
        kept = fewer
    error = scatter / np.sqrt(spread)
    if slope <= 0 or slope < _SURE * error:
        return None, None
    return 1 / slope, error / slope**2
