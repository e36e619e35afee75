"""What is left of a frame's zero points across the image, summed up in cells."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

CELLS_A_SIDE = 8


@dataclass(frozen=True, slots=True)
class ResidualCell:
    """Stars of one cell: their number, sum of weights and of weight times residual.

    Weights are 1/error^2 [mag^-2]; sums of many frames add up to a mean.
    """

    column: int
    row: int
    stars: int
    weight: float
    weighted_residual: float


@dataclass(frozen=True, slots=True)
class ResidualMap:
    """The cells that hold stars; columns and rows count from the first pixel."""

    columns: int
    rows: int
    cells: tuple[ResidualCell, ...]


def residual_map(
    x_px: FloatArray,
    y_px: FloatArray,
    residual: FloatArray,
    error: FloatArray,
    shape: tuple[int, int],
) -> ResidualMap:
    """Sum up the residuals of a frame's stars in cells of the image.

    Parameters
    ----------
    x_px, y_px : ndarray, shape (n,)
        Zero-based positions of the stars that carry the zero point.
    residual, error : ndarray, shape (n,)
        What the zero point leaves of each, and its 1 sigma error [mag].
    shape : rows and columns of the image [px]
    """
    height, width = shape
    column = np.clip((x_px + 0.5) * CELLS_A_SIDE // width, 0, CELLS_A_SIDE - 1)
    row = np.clip((y_px + 0.5) * CELLS_A_SIDE // height, 0, CELLS_A_SIDE - 1)
    number = (row * CELLS_A_SIDE + column).astype(int)
    weight = error**-2.0
    cells = []
    for cell in np.unique(number):
        members = number == cell
        cells.append(
            ResidualCell(
                column=int(cell % CELLS_A_SIDE),
                row=int(cell // CELLS_A_SIDE),
                stars=int(members.sum()),
                weight=float(np.sum(weight[members])),
                weighted_residual=float(np.sum((weight * residual)[members])),
            )
        )
    return ResidualMap(CELLS_A_SIDE, CELLS_A_SIDE, tuple(cells))
