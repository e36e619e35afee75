"""Takes out of an image what its camera's flat fields were learnt to leave in."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image
from bhtom_cpcs.science.learned_camera import LearnedFlat

FloatArray = npt.NDArray[np.float64]

_LEAST_SIGMA = 3.0
_ROWS_A_STEP = 256


def residual_grid(flat: LearnedFlat) -> FloatArray:
    """Residual of every cell, shape (rows, columns) [mag]; zero where doubtful.

    Cells below 3 sigma count as zero, the others are drawn towards it by their own
    uncertainty, value x (1 - (error / value)^2).
    """
    grid = np.zeros((flat.rows, flat.columns))
    for cell in flat.cells:
        inside = cell.row < flat.rows and cell.column < flat.columns
        if inside and abs(cell.residual) > _LEAST_SIGMA * cell.error:
            shrink = 1 - (cell.error / cell.residual) ** 2
            grid[cell.row, cell.column] = cell.residual * shrink
    return grid


def flatten(pixels: Image, flat: LearnedFlat) -> None:
    """Divide a background-subtracted image by the map, in place.

    Between the centres of cells the map is interpolated linearly; beyond the outermost
    centres it stays. A cell whose stars came out too bright by 0.02 mag is made
    fainter by as much.
    """
    grid = residual_grid(flat)
    if not grid.any():
        return
    height, width = pixels.shape
    along_x = _interpolation(width, flat.columns)
    along_y = _interpolation(height, flat.rows)
    # rows of cells brought to the image's columns; sums in a fixed order
    wide = _interpolated(grid.T, along_x).T
    for start in range(0, height, _ROWS_A_STEP):
        part = np.s_[start : start + _ROWS_A_STEP]
        low, high, share = (axis[part] for axis in along_y)
        residual = wide[low] * (1 - share)[:, None] + wide[high] * share[:, None]
        pixels[part] *= (10 ** (-0.4 * residual)).astype(np.float32)


def _interpolation(
    size: int, cells: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
    """Neighbouring cells of each pixel along an axis, and the second one's share."""
    place = (np.arange(size) + 0.5) * cells / size - 0.5
    place = np.clip(place, 0, cells - 1)
    low = np.minimum(place.astype(np.intp), max(cells - 2, 0))
    high = np.minimum(low + 1, cells - 1)
    return low, high, place - low


def _interpolated(
    values: FloatArray,
    along: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray],
) -> FloatArray:
    low, high, share = along
    between: FloatArray = (
        values[low] * (1 - share)[:, None] + values[high] * share[:, None]
    )
    return between
