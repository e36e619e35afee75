"""Tells the scatter of right pairs from the background of wrong ones."""

import math

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

FloatArray = npt.NDArray[np.float64]

_FEWEST_PAIRS = 20
_ITERATIONS = 40
_SMALLEST_SCATTER = 0.01  # of the reach


def clean_scatter(
    placed: FloatArray, references: FloatArray, start: float, reach: float
) -> tuple[float, float]:
    """Standard deviations of right pairs along both axes, by a mixture.

    All pairs within the reach, not only the nearest, are a Gaussian about zero in a
    uniform background of chance pairs; expectation and maximisation (Dempster et al.
    1977, J. R. Stat. Soc. B 39, 1) find its widths and share.

    Parameters
    ----------
    placed, references : ndarray, shape (n, 2) and (m, 2)
        Sources after the correction and reference stars, in one plane.
    start : float
        First guess of the width, returned for both axes when the pairs are fewer
        than 20.
    reach : float
        Pairs up to here are looked at, at least five times `start`.

    Returns
    -------
    tuple of float
        Along the first and the second axis, in the positions' unit.
    """
    reach = max(reach, 5 * start)
    pairs = cKDTree(placed).sparse_distance_matrix(
        cKDTree(references), reach, output_type="ndarray"
    )
    pairs = np.sort(pairs, order=["i", "j"])
    if len(pairs) < _FEWEST_PAIRS:
        return start, start
    apart = references[pairs["j"]] - placed[pairs["i"]]
    square = apart**2
    background = 1 / (math.pi * reach**2)
    variance, share = np.full(2, start**2), 0.8
    floor = (_SMALLEST_SCATTER * reach) ** 2
    for _ in range(_ITERATIONS):
        variance = np.maximum(variance, floor)
        density = np.exp(-0.5 * np.sum(square / variance, axis=1)) / (
            2 * math.pi * math.sqrt(float(np.prod(variance)))
        )
        right = share * density / (share * density + (1 - share) * background)
        total = float(np.sum(right))
        if total < 1:
            return start, start
        variance = np.array([np.sum(right * axis) for axis in square.T]) / total
        share = min(total / len(apart), 0.999)
    east, north = np.sqrt(np.maximum(variance, floor))
    return float(east), float(north)
