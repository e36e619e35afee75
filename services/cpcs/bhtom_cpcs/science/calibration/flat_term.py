"""What a camera's flat fields leave, as a term of the zero point."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.learned_camera import LearnedFlat
from bhtom_cpcs.science.zero_point_terms import FlatTerm

FloatArray = npt.NDArray[np.float64]

_LEAST_SIGMA = 3.0


def flat_term(flats: tuple[LearnedFlat, ...], passband: str) -> FlatTerm | None:
    """The term of the map that is of a passband, None where none is.

    Cells below 3 sigma count as zero, the others are drawn towards it by their own
    uncertainty, value x (1 - (error / value)^2).

    Parameters
    ----------
    flats : maps of the image, of any bands
    passband : of the zero point, with the kind of filter (`GaiaSP/clear-r`)
    """
    flat = next((one for one in flats if one.passband == passband), None)
    if flat is None:
        return None
    pairs = zip(flat.residuals, flat.errors, strict=True)
    residuals = tuple(_certain(residual, error) for residual, error in pairs)
    return FlatTerm(
        passband, flat.columns, flat.rows, flat.width_px, flat.height_px, residuals
    )


def _certain(residual: float | None, error: float | None) -> float:
    if residual is None or error is None or abs(residual) <= _LEAST_SIGMA * error:
        return 0.0
    return residual * (1 - (error / residual) ** 2)


def flat_residual(term: FlatTerm, x_px: FloatArray, y_px: FloatArray) -> FloatArray:
    """What stars at some places are too bright by [mag], shape (n,).

    Parameters
    ----------
    x_px, y_px : zero-based, shape (n,)
    """
    grid = np.array(term.residuals, dtype=np.float64).reshape(term.rows, term.columns)
    left, right, along_x = _neighbours(x_px, term.width_px, term.columns)
    below, above, along_y = _neighbours(y_px, term.height_px, term.rows)
    low = grid[below, left] * (1 - along_x) + grid[below, right] * along_x
    high = grid[above, left] * (1 - along_x) + grid[above, right] * along_x
    residual: FloatArray = low * (1 - along_y) + high * along_y
    return residual


def _neighbours(
    place_px: FloatArray, size: int, cells: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
    """Cells about places along an axis, and the second one's share."""
    place = np.clip((place_px + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.minimum(place.astype(np.intp), max(cells - 2, 0))
    return low, np.minimum(low + 1, cells - 1), place - low
